"""Problems of records, explained: what the merchant reads, what does not go through. docs/sync.md has it too."""

from __future__ import annotations

from collections.abc import Mapping

RECORDS: Mapping[str, tuple[str, str]] = {
    "no-sku": (
        "The SKU is not set. Set xp.SKU in OrderCloud.",
        "the variant",
    ),
    "duplicate-sku": (
        (
            "The SKU X is already used by product P (or: by the variant V of this product). Give one "
            "of them another SKU."
        ),
        "the variant",
    ),
    "no-name": (
        "The product has no name. Give it one in OrderCloud.",
        "the product",
    ),
    "no-slug": (
        "No slug can be made from X. Map slug to something with letters or digits.",
        "the product",
    ),
    "duplicate-slug": (
        "The slug X is already used by product P. Rename one of them, or map slug to something unique.",
        "the product",
    ),
    "no-id": (
        "The record has no usable ID.",
        "the product or variant",
    ),
    "bad-record": (
        (
            "OrderCloud's answer on the product cannot be used: Name holds half a character: "
            "Ham\\ud800mer. Correct it in OrderCloud."
        ),
        "the product; what the target holds of it stays as it is",
    ),
    "not-listed": (
        (
            "OrderCloud's lists leave the product out, or show another ID for it. "
            "They leave it out where a value in its xp has another type than that "
            "of other products: give it the same type. It is synced by its ID."
        ),
        "nothing",
    ),
    "weight-not-a-number": (
        (
            'The weight "ca. 1.2 kg" is no number of grams. Correct xp.weight. Or: The weight is less '
            "than 0. Correct xp.weight."
        ),
        "the variant",
    ),
    "rrp-not-a-number": (
        'The recommended price "n/a" is no number. Correct xp.rrp.',
        "the variant",
    ),
    "price-not-a-number": (
        "The price schedule S has a price break without a usable price or quantity. Correct it in OrderCloud.",
        "the prices",
    ),
    "stock-not-a-number": (
        "The stock 1.5 is no whole number. Correct it in OrderCloud.",
        "the stock of its SKUs",
    ),
    "date-not-a-date": (
        'The restock date "soon" is no date. Write it as 2026-05-01.',
        "the date; of a sale's window, the prices",
    ),
    "over-limit": (
        "The title is longer than 255 characters. Shorten it.",
        "what it belongs to",
    ),
    "unknown-location": (
        "There is stock at the address A, which is no stock location. Add it to stock.locations.",
        "the stock of its SKUs",
    ),
    "no-currency": (
        "The price has no currency. Set one at the price schedule S.",
        "the prices, or the variant whose rrp it is",
    ),
    "other-currency": (
        "The price schedule S is in EUR, the price list in GBP. Give the product a default price in GBP.",
        "the prices",
    ),
    "ambiguous-price": (
        (
            "hammer: several price schedules of a user group count, low of vip and high of gold, and "
            "OrderCloud publishes no rule which of them counts. Leave one of them. What the list has of "
            "it stays as it is."
        ),
        "the product's prices on the list",
    ),
    "no-price-schedule": (
        ("hammer: the price schedule S cannot be read. Look it up. What the list has of it stays as it is."),
        "the product's prices on the list",
    ),
    "no-price-breaks": (
        (
            "hammer: the price schedule S has no price breaks, so OrderCloud shows no price, and a list "
            "that is made by rule has the default price. Add price breaks, or set pricing.partyPrices "
            "to rows. What the list has of it stays as it is."
        ),
        "the product's prices on the list",
    ),
    "quantity-rule-lost": (
        (
            "hammer: the price schedule S has a least quantity of 10, unlike the default one, and a "
            "price list has no place for that."
        ),
        "nothing",
    ),
    "bad-mapping": (
        'The mapping of variants.position gives "first", which is no whole number.',
        "what it belongs to",
    ),
    "costly-mapping": (
        (
            "The mapping of variants.rrp fails on this record: it takes too much work; write it "
            "shorter, or let it look at less."
        ),
        "what it belongs to",
    ),
    "bad-cart": (
        (
            'xp.sparkCartId is "cart-1", which is no cart ID of SparkLayer. Correct it, or take it '
            "out if the order was not placed there."
        ),
        "the order",
    ),
    "unknown-cart": (
        (
            "SparkLayer knows no cart C: it was never there, or belongs to another site. Correct the "
            "order's cart ID, or take it out if the order was not placed there."
        ),
        "the order",
    ),
    "duplicate-cart": (
        (
            "The order O has the cart ID C as well, and was there first. Take it out of one of them; if O was deleted, "
            "give it up with `sync drop`."
        ),
        "the order",
    ),
    "unknown-status": (
        'The order has the status "Lost", which means nothing here.',
        "the order",
    ),
    "no-lines": (
        "The order has no lines, so there is nothing to show of it.",
        "the order",
    ),
    "bad-quantity": (
        "The line has the quantity 0, which is no number of pieces.",
        "the order",
    ),
    "returns-unreadable": (
        ("OrderCloud does not show returns any more, and SparkLayer shows some of this order: it stays as it is."),
        "the order",
    ),
    "no-list": (
        (
            "The site has no price list in USD, the currency of the order. Add a price list in it; "
            "the order is there all the same."
        ),
        "nothing",
    ),
    "product-gone": (
        'The product "P" of this line is gone, so the line shows its ID in place of its name.',
        "nothing",
    ),
    "total-differs": (
        (
            "The total of the order is 12.00, and its lines, shipping, tax and fees make 10.00. The "
            "lines are shown as OrderCloud has them."
        ),
        "nothing",
    ),
    "bad-address": (
        'The address "A" has no Street1, so it is left out.',
        "the address",
    ),
    "shipped-beyond": (
        (
            "2 more of this line went out than were ordered; they are left out. Or: A shipment holds "
            "a line L that the order does not have any more; it is left out."
        ),
        "those pieces",
    ),
    "order-gone": (
        ("OrderCloud does not have this order any more. SparkLayer keeps it as it was; nothing is cancelled."),
        "nothing",
    ),
    "refused": (
        "SparkLayer refused the product (or: its stock, its prices): what it says, or that it does not say why",
        "the part",
    ),
    "failed": (
        "It could not be written after 5 attempts: SparkLayer itself failed (HTTP 503)",
        "the part",
    ),
    "no-email": (
        "The user has no e-mail address. Set Email in OrderCloud.",
        "the customer",
    ),
    "bad-email": (
        "The e-mail address is none that can be written to. Correct Email in OrderCloud.",
        "the customer",
    ),
    "duplicate-email": (
        "The e-mail address E is already used by customer C. Give one of them another one.",
        "the customer",
    ),
    "unknown-group": (
        "The site has no customer group G. Create it, or correct the group.",
        "the group",
    ),
    "ambiguous-group": (
        "The user is in A and B, which are mapped to several customer groups. Leave one of them.",
        "the group",
    ),
    "unknown-price-list": (
        "The site has no price list L, and would take the customer without a word. Create it, or correct it.",
        "the customer",
    ),
    "missing-parent": (
        "There is no customer P, which is mapped as the parent. Correct the parent.",
        "the customer",
    ),
    "parent-cycle": (
        "The parent P has this customer above itself. Correct one of them.",
        "the customer",
    ),
    "too-many-sub-accounts": (
        "The parent P has 251 sub-accounts, and SparkLayer takes 250. Give some of them another parent.",
        "the customer",
    ),
    "incomplete-address": (
        "The address has no first line (Street1). Complete it in OrderCloud.",
        "the address; what the target has of it stays",
    ),
    "many-addresses": (
        "The customer has 251 addresses, and SparkLayer recommends 250 at most. Assign fewer.",
        "nothing",
    ),
    "too-many-addresses": (
        "The customer has 501 addresses, and SparkLayer takes 500. Assign fewer.",
        "the customer",
    ),
    "too-many-customers": (
        "250,001 users flow as customers, and SparkLayer takes 250,000: it may refuse the others. Let fewer flow.",
        "nothing that SparkLayer does not refuse",
    ),
    "unread": (
        "SparkLayer has a customer with this external ID or e-mail address already, and does not show what it holds.",
        "the customer",
    ),
    "balance-unread": (
        "SparkLayer does not show the balance of this customer's account, and to write the customer may clear it.",
        "the customer",
    ),
    "left-scope": (
        "The user is no longer among those that flow: the customer stays as it is.",
        "what changes from then on",
    ),
    "archived": (
        "It is the primary customer of a company: SparkLayer archived it instead of deleting it.",
        "the delete",
    ),
}
