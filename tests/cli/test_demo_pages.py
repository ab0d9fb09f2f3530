"""What a forge would show is a page that loads nothing: alerts and diffs have their colours, and text is text."""

from __future__ import annotations

from pathlib import Path

from reconciler.cli.demo_pages import forge_page

COMMENT = """\
### Plan for `emulator`

> [!CAUTION]
> **Refused by guardrail** `maxDeletes`

one line
another line

```diff
- name: "<img src=x>"
+ name: "b & c"
```
"""


def test_alerts_lines_and_diffs_look_as_at_a_forge_and_values_are_text(tmp_path: Path) -> None:
    source = tmp_path / "comment.md"
    source.write_text(COMMENT)
    shown = forge_page(source, "A pull request").read_text()
    assert '<blockquote class="red">\n<p class="kicker">caution</p>\n<p><strong>Refused by guardrail</strong>' in shown
    assert "one line<br>\nanother line" in shown
    assert '<span class="del">- name: &quot;&lt;img src=x&gt;&quot;</span>' in shown
    assert '<span class="add">+ name: &quot;b &amp; c&quot;</span>' in shown
    assert "[!CAUTION]" not in shown
