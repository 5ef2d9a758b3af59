"""A workspace in which every kind of block, card, file and view is to be seen once."""

from __future__ import annotations

from typing import Any

Json = dict[str, Any]

OPS, INCIDENTS, DIRECT, BOT = "C0OPS", "C0INCIDENTS", "D0ANA", "U0TWOKEY"
START = 1_795_000_000  # Wed, 18 Nov 2026, 09:06:40 UTC


def text(words: str) -> Json:
    """A plain_text object."""
    return {"type": "plain_text", "text": words}


def mrkdwn(words: str) -> Json:
    """A mrkdwn object."""
    return {"type": "mrkdwn", "text": words}


def option(words: str, value: str) -> Json:
    """An option of a menu."""
    return {"text": text(words), "value": value}


def button(words: str, action_id: str, value: str = "", **more: object) -> Json:
    """A button element."""
    return {"type": "button", "text": text(words), "action_id": action_id, "value": value, **more}


def rich(*rows: list[Json]) -> Json:
    """A rich_text block, a section a row."""
    return {"type": "rich_text", "elements": [{"type": "rich_text_section", "elements": row} for row in rows]}


def run(words: str, **style: bool) -> Json:
    """A run of rich text."""
    return {"type": "text", "text": words, **({"style": style} if style else {})}


def message(number: int, user: str, words: str, channel: str = OPS, **more: object) -> Json:
    """The `number`-th message; a minute lies between two."""
    return {"channel": channel, "ts": f"{START + number * 60}.000100", "user": user, "text": words, **more}


CONFIRM = {
    "title": text("Approve in prod?"),
    "text": mrkdwn("Scale *checkout* in prod\nreplicas 3 → 5"),
    "confirm": text("Approve"),
    "deny": text("Not now"),
}


def card(environment: str, colour: str, place: str, value: str) -> Json:
    """The request card as the bot draws it: a title, then a coloured part with the decision."""
    blocks: list[Json] = [
        rich([run(place, bold=True), run(" · waiting for 1 of sre")]),
        rich([run("replicas", bold=True), run("  3 → "), run("5", bold=True)]),
        rich([run("target", bold=True), run(f"  {environment} / Deployment checkout · image 1.4.1")]),
        rich([run("note  ", bold=True), run("an autoscaler (3–8) owns this: it may change the number again")]),
        {
            "type": "context",
            "elements": [mrkdwn(f"asked by ana, <!date^{START}^{{time}}|09:06 UTC> · expires soon · `7f3a 91c2`")],
        },
        {
            "type": "actions",
            "block_id": f"decide-{value}",
            "elements": [
                button("Approve", "approve", value, style="primary", confirm=CONFIRM),
                button("Deny", "deny", value, style="danger"),
                button("Details", "details", value),
                button("Edit", "edit", value),
                button("Withdraw", "withdraw", value),
            ],
        },
    ]
    return {
        "blocks": [{"type": "header", "text": text(f"Scale checkout in {environment}")}],
        "attachments": [{"color": colour, "blocks": blocks, "fallback": "Scale checkout"}],
    }


MENUS: Json = {
    "type": "actions",
    "block_id": "menus",
    "elements": [
        {
            "type": "static_select",
            "action_id": "environment",
            "placeholder": text("Choose an environment"),
            "options": [option("dev", "dev"), option("staging", "staging"), option("prod", "prod")],
        },
        {
            "type": "multi_static_select",
            "action_id": "services",
            "placeholder": text("Services"),
            "options": [option("checkout", "checkout"), option("cart", "cart"), option("search", "search")],
        },
        {"type": "overflow", "action_id": "more", "options": [option("Logs", "logs"), option("History", "history")]},
        {"type": "datepicker", "action_id": "day", "initial_date": "2026-11-18", "placeholder": text("Day")},
    ],
}
CHOICES: Json = {
    "type": "actions",
    "block_id": "choices",
    "elements": [
        {
            "type": "radio_buttons",
            "action_id": "speed",
            "initial_option": option("Slowly", "slow"),
            "options": [option("Slowly", "slow"), option("At once", "fast")],
        },
        {
            "type": "checkboxes",
            "action_id": "checks",
            "options": [option("Watch errors", "errors"), option("Watch latency", "latency")],
        },
    ],
}
KINDS: list[Json] = [
    {"type": "header", "text": text("Every kind of block")},
    {
        "type": "section",
        "text": mrkdwn(
            "*bold* _italic_ ~struck~ `code` <https://example.com/a?b=1&amp;c=2|a link> :white_check_mark: Done"
        ),
        "accessory": button("Open", "open", "1", url="https://example.com/"),
    },
    {"type": "section", "fields": [mrkdwn("*Ready*\n6 of 6"), mrkdwn("*Errors*\n0.3 %"), mrkdwn("*p95*\n210 ms")]},
    {"type": "divider"},
    {
        "type": "rich_text",
        "elements": [
            {
                "type": "rich_text_section",
                "elements": [
                    run("Rich text: "),
                    run("bold", bold=True),
                    run(" and "),
                    run("struck", strike=True),
                    run(", "),
                    {"type": "link", "url": "https://example.com/", "text": "linked"},
                    run(", "),
                    {"type": "user", "user_id": "U0BEN"},
                    run(" in "),
                    {"type": "channel", "channel_id": OPS},
                    run(" "),
                    {"type": "emoji", "name": "tada"},
                ],
            },
            {
                "type": "rich_text_list",
                "style": "bullet",
                "elements": [{"type": "rich_text_section", "elements": [run("first point")]}],
            },
            {"type": "rich_text_quote", "elements": [run("a quotation")]},
            {"type": "rich_text_preformatted", "elements": [run("181×  upstream timeout after <num> ms")]},
        ],
    },
    {
        "type": "table",
        "rows": [
            [{"type": "raw_text", "text": "service"}, {"type": "raw_text", "text": "p95"}],
            [{"type": "raw_text", "text": "checkout"}, {"type": "raw_text", "text": "180 ms"}],
            [{"type": "raw_text", "text": "payments"}, {"type": "raw_text", "text": "480 ms"}],
        ],
        "column_settings": [{"align": "left"}, {"align": "right"}],
    },
    {
        "type": "markdown",
        "text": "### A heading\n\n- one **strong** point\n- [a page](https://example.com/)\n\n> quoted",
    },
    {
        "type": "image",
        "image_url": "/files/chart.png",
        "alt_text": "p99 of payments: 300 to 480 ms",
        "title": text("p99"),
    },
    MENUS,
    CHOICES,
    {"type": "context", "elements": [mrkdwn("asked by <@U0ANA> in <#C0OPS|ops> for <!subteam^S0SRE|@sre>")]},
    {"type": "video", "title": text("A video"), "video_url": "https://example.com/v", "alt_text": "a video"},
    {"type": "hologram"},
]

MODAL: Json = {
    "id": "V1",
    "user": "U0ANA",
    "type": "modal",
    "callback_id": "form",
    "private_metadata": "",
    "title": text("Correct the request"),
    "submit": text("Continue"),
    "close": text("Cancel"),
    "state": {"values": {}},
    "blocks": [
        {"type": "section", "block_id": "say", "text": mrkdwn("Nothing runs from here: it leads to a *card*.")},
        {
            "type": "input",
            "block_id": "service",
            "label": text("Service"),
            "element": {
                "type": "static_select",
                "action_id": "value",
                "initial_option": option("checkout", "checkout"),
                "options": [option(name, name) for name in ("cart", "checkout", "payments", "search")],
            },
        },
        {
            "type": "input",
            "block_id": "replicas",
            "label": text("Replicas"),
            "hint": text("At most 12 for checkout."),
            "element": {"type": "number_input", "action_id": "value", "is_decimal_allowed": False, "min_value": "0"},
        },
        {
            "type": "input",
            "block_id": "speed",
            "optional": True,
            "label": text("How"),
            "element": {
                "type": "radio_buttons",
                "action_id": "value",
                "options": [option("Slowly", "slow"), option("At once", "fast")],
            },
        },
        {
            "type": "input",
            "block_id": "reason",
            "optional": True,
            "label": text("Reason"),
            "element": {
                "type": "plain_text_input",
                "action_id": "value",
                "multiline": True,
                "placeholder": text("Why?"),
            },
        },
    ],
}

HOME: Json = {
    "id": "H1",
    "user": "U0ANA",
    "type": "home",
    "callback_id": "home",
    "blocks": [
        {"type": "header", "text": text("Waiting for you")},
        {"type": "section", "text": mrkdwn("*Deploy cart 2.1.0 in staging* · asked by ben")},
        {
            "type": "actions",
            "elements": [button("Approve", "approve", "r2", style="primary"), button("Deny", "deny", "r2")],
        },
        {"type": "divider"},
        {"type": "header", "text": text("Health of Twokey")},
        {"type": "section", "text": mrkdwn("✅ *cluster*: answers in 3 ms\n⚠️ *model*: none; I read with my grammar")},
    ],
}


def person(id_: str, name: str, real_name: str, title: str, *groups: str) -> Json:
    """A person of the workspace."""
    return {"id": id_, "name": name, "real_name": real_name, "title": title, "is_bot": False, "groups": [*groups]}


def state() -> Json:
    """The whole as `GET /emulator/state` answers it."""
    ask = message(1, "U0ANA", "<@U0TWOKEY> scale checkout to 5 in prod")
    return {
        "team": {"id": "T0TOWN", "name": "Playground"},
        "bot_user_id": BOT,
        "users": [
            person("U0ANA", "ana", "Ana Alexiou", "Engineer, may ask for changes", "engineers"),
            person("U0BEN", "ben", "Ben Berg", "SRE, may approve", "engineers", "sre"),
            person("U0CARLA", "carla", "Carla Costa", "SRE and payments owner", "sre", "payments-owners"),
            person("U0DORA", "dora", "Dora Dahl", "Designer, has no rights"),
            {"id": BOT, "name": "twokey", "real_name": "Twokey", "title": "", "is_bot": True, "groups": []},
        ],
        "channels": [
            {"id": OPS, "name": "ops", "is_im": False, "purpose": "Changes and questions about production"},
            {"id": INCIDENTS, "name": "incidents", "is_im": False, "purpose": "One thread an incident"},
            {"id": "C0RANDOM", "name": "random", "is_im": False, "purpose": "Everything else"},
            *(
                {"id": f"D0{n}", "name": "twokey", "is_im": True, "purpose": "", "user": f"U0{n}"}
                for n in ("ANA", "BEN", "CARLA", "DORA")
            ),
        ],
        "messages": [
            message(0, BOT, "Hello, I am twokey. Write me what should change; somebody else turns the second key."),
            ask,
            message(2, BOT, "Scale checkout in prod", **card("prod", "#d9a521", "🟥 PRODUCTION (prod)", "r1")),
            message(3, BOT, "asked by ana", thread_ts=f"{START + 120}.000100"),
            message(4, "U0BEN", "looking at it :eyes:", thread_ts=f"{START + 120}.000100"),
            message(1500, "U0BEN", "Every kind of block, please. It is &lt;safe&gt; &amp; sound"),
            message(1501, "U0BEN", "and *quickly* :rocket:", edited=True),
            message(1502, BOT, "Every kind of block", blocks=KINDS),
            message(
                1503,
                BOT,
                "You asked for this one, so somebody else has to turn the second key: ben or carla (sre).",
                ephemeral_to="U0ANA",
            ),
            message(
                1504,
                BOT,
                "212 error lines in 3 groups",
                files=[
                    {
                        "id": "F1",
                        "name": "lines.txt",
                        "title": "Lines of payments",
                        "mimetype": "text/plain",
                        "size": 48_213,
                        "url": "/files/lines.txt",
                        "alt_text": "",
                    }
                ],
            ),
        ],
        "views": [HOME],
    }


def town() -> Json:
    """The simulated cluster as `GET /town/state` answers it: cart fails in prod, checkout rolls."""

    def pods(name: str, version: str, *states: str) -> list[Json]:
        return [{"name": f"{name}-{n}", "version": version, "state": one} for n, one in enumerate(states)]

    ready = ("ready", "ready", "ready")
    services = {
        "checkout": (
            0.002,
            [
                *pods("checkout", "1.4.1", "ready", "ready", "terminating"),
                *pods("checkout", "1.4.2", "starting", "ready"),
            ],
        ),
        "cart": (0.31, pods("cart", "2.2.0", "ready", "crashing", "crashing")),
        "payments": (0.003, pods("payments", "3.11.0", *ready, *ready)),
        "search": (0.001, pods("search", "0.9.0", *ready, "pulling")),
        "support-bot": (0.0, pods("support-bot", "2.0", "ready", "ready")),
    }
    return {
        "clock": "2026-11-18T09:06:40+00:00",
        "services": [
            {
                "name": name,
                "environments": [
                    {"name": "prod", "desired": len(found), "error_ratio": rate, "pods": found},
                    {"name": "staging", "desired": 1, "error_ratio": 0.0, "pods": pods(name, "1.0", "ready")},
                    {"name": "dev", "desired": 1, "error_ratio": 0.0, "pods": pods(name, "1.0", "ready")},
                ],
            }
            for name, (rate, found) in services.items()
        ],
    }
