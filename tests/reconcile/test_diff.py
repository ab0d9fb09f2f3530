"""Field by field: what differs, what does not, and under which path."""

from __future__ import annotations

from reconciler.reconcile.diff import (
    covers,
    differences,
    field_path,
    hide,
    hides_change,
    value_at,
    with_ignored,
    without,
)
from reconciler.reconcile.plan import FieldChange
from support.builders import ALL_KINDS, config, http_targets, live_config, secret

MODEL = ALL_KINDS["DeliveryConfig"].spec


def paths(desired, observed, moved=frozenset()):
    return [field.path for field in differences(MODEL, desired, observed, moved)]


def test_equal_states_do_not_differ_and_secrets_are_not_compared():
    assert paths(config().state, live_config().state) == []


def test_a_target_that_comes_shows_every_member_and_its_secrets_without_values():
    desired = config().state | {
        "deliveryTargets": http_targets()
        | {"kafka": {"bootstrapServers": "b:9092", "saslUsername": "u", "saslPassword": secret("pw"), "topic": "t"}}
    }
    found = list(differences(MODEL, desired, live_config().state, frozenset()))
    assert [(field.path, field.before, field.after, field.sensitive) for field in found] == [
        ("deliveryTargets.kafka.bootstrapServers", None, "b:9092", False),
        ("deliveryTargets.kafka.saslUsername", None, "u", False),
        ("deliveryTargets.kafka.saslPassword", None, None, True),
        ("deliveryTargets.kafka.topic", None, "t", False),
    ]


def test_a_target_that_goes_shows_that_its_secret_goes():
    live = live_config(DeliveryTargets={"Http": {"Endpoint": "https://hooks.example.com/oc"}, "AzureBlob": {}})
    found = list(differences(MODEL, config().state, live.state, frozenset()))
    assert [(field.path, field.sensitive) for field in found] == [("deliveryTargets.azureBlob.connectionString", True)]


def test_a_target_that_goes_says_nothing_of_a_secret_that_it_need_not_have_had():
    desired = config().state | {"deliveryTargets": {"azureBlob": {"connectionString": secret()}}}
    found = paths(desired, live_config().state)
    assert "deliveryTargets.http.secret" in found
    assert "deliveryTargets.http.customAuthHeaderValue" not in found


def test_an_empty_target_that_comes_is_seen():
    desired = config().state | {"deliveryTargets": http_targets() | {"mailchimp": {}}}
    assert paths(desired, live_config().state) == ["deliveryTargets.mailchimp"]


def test_true_is_not_one():
    state = {"id": "a", "name": "a", "enabled": True, "deliveryTargets": {}}
    assert paths(state, state | {"enabled": 1}) == ["enabled"]


def test_paths_cover_their_descendants_and_not_their_namesakes():
    assert covers({"a.b"}, "a.b.c")
    assert covers({"a.b"}, "a.b")
    assert not covers({"a.b"}, "a.bc")
    assert value_at({"a": {"b": 1}}, "a.b") == 1
    assert value_at({"a": 1}, "a.b") is None


def test_ignored_paths_are_taken_out_and_put_back_from_live():
    state = {"a": {"b": 1, "c": 2}, "d": 3}
    assert without(state, {"a.b"}) == {"a": {"c": 2}, "d": 3}
    assert with_ignored(state, {"a": {"b": 9}}, {"a.b", "x"}) == {"a": {"c": 2, "b": 9}, "d": 3}
    assert state == {"a": {"b": 1, "c": 2}, "d": 3}


def test_of_a_name_and_its_secret_no_value_is_shown_wherever_in_a_free_form_object_they_stand():
    pairs = [{"name": "apiKey", "value": value} for value in ("old", "new")]
    for before, after, path in (
        (*pairs, "deliveryTargets.contentHub.configData"),
        ({"list": [pairs[0]]}, {"list": [pairs[1]]}, "deliveryTargets.contentHub.configData.list[0]"),
        ({"l": ["--pass", "old"]}, {"l": ["--pass", "new"]}, "deliveryTargets.contentHub.configData.l"),
    ):
        states = [{"deliveryTargets": {"contentHub": {"configData": data}}} for data in (before, after)]
        found = [hide(MODEL, field, frozenset()) for field in differences(MODEL, states[1], states[0], frozenset())]
        assert found == [FieldChange(path, None, None, sensitive=True)]


def test_a_secret_that_moves_inside_a_value_is_a_change_whatever_else_does():
    path = "deliveryTargets.contentHub.configData"
    old, new = ({"name": "apiKey", "value": value, "more": 1} for value in ("old", "new"))
    for before, after, hidden in (
        (old, new, True),
        (old, {**new, "more": 2}, True),
        (old, {**old, "more": 2}, False),
        (old, old, False),
    ):
        assert hides_change(MODEL, FieldChange(path, before, after), frozenset()) is hidden
    assert not hides_change(MODEL, FieldChange(path, old, new, sensitive=True), frozenset())


def test_a_free_form_object_shows_what_differs_inside_it():
    model = ALL_KINDS["ProductSync"].spec
    state = {"deliveryConfig": "c", "configData": {"mapping": {"title": "A", "tags": [1, 2]}, "same": 1}}
    live = {"deliveryConfig": "c", "configData": {"mapping": {"title": "B", "tags": [1, 3], "old": True}, "same": 1}}
    found = list(differences(model, state, live, frozenset()))
    assert [(field.path, field.before, field.after) for field in found] == [
        ("configData.mapping.old", True, None),
        ("configData.mapping.tags[1]", 3, 2),
        ("configData.mapping.title", "B", "A"),
    ]
    assert {field_path(model, field.path) for field in found} == {"configData"}
