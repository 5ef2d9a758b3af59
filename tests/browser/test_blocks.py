"""What messages look like: every kind of block, mrkdwn, Markdown, times, pictures and files."""

from __future__ import annotations

from playwright.sync_api import expect

from tests.browser import showcase
from tests.browser.conftest import Open
from tests.browser.double import Double

KINDS = f"[data-ts='{showcase.START + 1502 * 60}.000100']"


def test_every_kind_of_block_is_shown(open_page: Open) -> None:
    shown = open_page().locator(KINDS)
    expect(shown.get_by_role("heading", name="Every kind of block")).to_be_visible()
    expect(shown.get_by_role("link", name="a link", exact=True)).to_have_attribute(
        "href", "https://example.com/a?b=1&c=2"
    )
    expect(shown.get_by_role("link", name="Open", exact=True)).to_have_attribute("href", "https://example.com/")
    expect(shown.locator(".fields > div")).to_have_text(["Ready\n6 of 6", "Errors\n0.3 %", "p95\n210 ms"])
    expect(shown.locator(".block-rich_text li")).to_have_text("first point")
    expect(shown.locator(".block-rich_text blockquote")).to_have_text("a quotation")
    expect(shown.locator(".block-rich_text pre")).to_have_text("181×  upstream timeout after <num> ms")
    expect(shown.locator(".block-rich_text .mention")).to_have_text(["@ben", "#ops"])
    expect(shown.get_by_role("columnheader")).to_have_text(["service", "p95"])
    expect(shown.get_by_role("cell", name="480 ms")).to_have_class("align-right")
    expect(shown.get_by_role("heading", name="A heading")).to_be_visible()
    expect(shown.locator(".block-context")).to_have_text("asked by @ana in #ops for @sre")
    expect(shown.get_by_role("link", name="A video")).to_be_visible()
    expect(shown.get_by_text("This kind of block (hologram) isn't shown here.")).to_be_visible()
    for type_ in ("divider", "actions", "image", "section", "video"):
        assert shown.locator(f".block-{type_}").count() > 0


def test_a_picture_says_in_words_what_it_shows(open_page: Open) -> None:
    """S4: images have alternative text."""
    page = open_page()
    picture = page.get_by_role("img", name="p99 of payments: 300 to 480 ms")
    picture.scroll_into_view_if_needed()
    page.wait_for_function("image => image.complete && image.naturalWidth > 0", arg=picture.element_handle())


def test_a_file_can_be_opened_and_tells_its_size(open_page: Open) -> None:
    file = open_page().get_by_role("link", name="Lines of payments")
    expect(file).to_have_attribute("href", "/files/lines.txt")
    expect(file).to_contain_text("lines.txt · 47 KB")


def test_mrkdwn_reads_as_in_slack(open_page: Open) -> None:
    """Marks count at the edges of words only, and nothing is a mark within code."""
    tada = '<span class="emoji" role="img" aria-label="tada" title=":tada:">🎉</span>'
    cases = {
        "*a* b": "<strong>a</strong> b",
        "2*3*4": "2*3*4",
        "_a *b* c_": "<em>a <strong>b</strong> c</em>",
        "snake_case_name": "snake_case_name",
        "~gone~": "<s>gone</s>",
        "`*x* &lt;b&gt;`": "<code>*x* &lt;b&gt;</code>",
        "* not bold *": "* not bold *",
        ":tada: :no_such_thing:": f"{tada} :no_such_thing:",
        "<@U0BEN> <@U0ANA>": '<span class="mention">@ben</span> <span class="mention mention-me">@ana</span>',
        "<#C0OPS|ops>": '<span class="mention">#ops</span>',
        "<!subteam^S0SRE|@sre>": '<span class="mention">@sre</span>',
        "<!here>": '<span class="mention mention-me">@here</span>',
        "&amp;lt;": "&amp;lt;",
    }
    found = open_page().evaluate(
        """async (texts) => {
          const { mrkdwn } = await import("/mrkdwn.js");
          return texts.map((text) => {
            const box = document.createElement("div");
            box.append(...mrkdwn(text));
            return box.querySelector(".run").innerHTML;
          });
        }""",
        list(cases),
    )
    assert dict(zip(cases, found, strict=True)) == cases


def test_code_fences_and_quotes_stand_apart(open_page: Open) -> None:
    found = open_page().evaluate(
        """async () => {
          const { mrkdwn } = await import("/mrkdwn.js");
          const box = document.createElement("div");
          box.append(...mrkdwn("before\\n```\\n*x*\\n <https://a.example|a>\\n```\\n&gt; quoted\\n&gt; twice\\nafter"));
          return [...box.children].map((node) => [node.tagName, node.textContent]);
        }"""
    )
    assert found == [["SPAN", "before\n"], ["PRE", "*x*\n a"], ["BLOCKQUOTE", "quoted\ntwice"], ["SPAN", "after"]]


def test_markdown_keeps_its_structure(open_page: Open) -> None:
    paragraphs = "# Title\n\nA **b** _c_ `d*e*f` [g](https://g.example)\n\n"
    lists = "1. one\n2. two\n\n- [x] done\n\n"
    text = f"{paragraphs}{lists}| a | b |\n|---|---|\n| 1 | 2 |\n\n---\n```py\nx = 1\n```"
    found = open_page().evaluate(
        """async (text) => {
          const { markdown } = await import("/markdown.js");
          return markdown(text).map((node) => `${node.tagName}:${node.textContent}`);
        }""",
        text,
    )
    assert found == ["H3:Title", "P:A b c d*e*f g", "OL:onetwo", "UL:☑ done", "DIV:ab12", "HR:", "PRE:x = 1"]


def test_times_are_the_readers_own(open_page: Open) -> None:
    """`<!date^…>` is shown in the browser's zone and language, and its fallback where it makes no sense."""
    script = """async (texts) => {
      const { mrkdwn } = await import("/mrkdwn.js");
      return texts.map((text) => mrkdwn(text).map((node) => node.textContent).join(""));
    }"""
    moment = showcase.START
    texts = [
        f"<!date^{moment}^{{time}}|09:06 UTC>",
        f"<!date^{moment}^on {{date_num}} at {{time}}|then>",
        f"<!date^{moment}^{{date_long}}|then>",
        "<!date^soon^{time}|some time>",
    ]
    german = open_page(locale="de-DE").evaluate(script, texts)
    assert german == ["13:06", "on 18.11.2026 at 13:06", "Mittwoch, 18. November 2026", "some time"]
    american = open_page(locale="en-US", timezone_id="America/New_York").evaluate(script, texts)
    assert american[0].replace("\u202f", " ") == "6:06 AM"


def test_messages_are_grouped_and_days_are_told_apart(open_page: Open) -> None:
    page = open_page()
    expect(page.locator(".separator")).to_have_text(["Wednesday 18 November", "Thursday 19 November"])
    second = page.locator(f"[data-ts='{showcase.START + 1501 * 60}.000100']")
    expect(second).to_have_class("message is-grouped")
    expect(second).to_contain_text("(edited)")
    assert second.locator(".author").count() == 0


def test_no_text_ever_becomes_markup(double: Double, open_page: Open) -> None:
    """S5, on the page's side: hostile strings in every place stay the characters that they are."""
    evil = "<img src=x onerror='window.hacked=1'><script>window.hacked=1</script>"
    wire = evil.replace("<", "&lt;").replace(">", "&gt;")
    double.state["users"][1]["real_name"] = double.state["users"][1]["title"] = evil
    double.state["channels"][0]["purpose"] = double.state["team"]["name"] = evil
    hostile = [
        showcase.message(2000, "U0BEN", f"{evil} {wire} <javascript:alert(1)|press> <data:text/html,x|here> `{evil}`"),
        showcase.message(
            2001,
            showcase.BOT,
            "x",
            blocks=[
                {"type": "header", "text": showcase.text(evil)},
                {"type": "markdown", "text": f"{evil} [press](javascript:window.hacked=1)"},
                showcase.rich(
                    [showcase.run(evil), {"type": "link", "url": "javascript:window.hacked=1", "text": "press"}]
                ),
                {"type": "image", "image_url": "javascript:window.hacked=1", "alt_text": evil},
                {"type": "table", "rows": [[{"type": "raw_text", "text": evil}]]},
                {"type": "actions", "elements": [showcase.button(evil, evil, evil, url="javascript:window.hacked=1")]},
                {"type": evil},
            ],
            attachments=[
                {"color": "red;background:url(//x.example)", "title": evil, "text": evil, "title_link": "vbscript:x"}
            ],
            files=[
                {
                    "id": "F2",
                    "name": evil,
                    "title": evil,
                    "mimetype": evil,
                    "size": 1,
                    "url": "javascript:1",
                    "alt_text": evil,
                }
            ],
        ),
    ]
    double.state["messages"] += hostile
    double.state["views"].append({**showcase.MODAL, "title": showcase.text(evil)})
    page = open_page()
    expect(page.get_by_role("dialog")).to_contain_text(evil)
    assert page.evaluate("window.hacked") is None
    assert page.locator("script").count() == 1
    assert (
        page.locator("img[src='x'], [onerror], [href^='javascript'], [href^='data'], [href^='vbscript']").count() == 0
    )
    assert page.locator(".has-colour").count() == 1  # the showcase's own card; the forged colour was not taken
    assert page.locator(f"[data-ts='{hostile[0]['ts']}']").inner_text().count(evil) == 3


def test_nothing_loads_from_outside(double: Double, open_page: Open, url: str) -> None:
    block = {"type": "image", "image_url": "https://example.com/pixel.png", "alt_text": "a pixel"}
    page = open_page()
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    double.post_message(showcase.message(2000, showcase.BOT, "x", blocks=[block]))
    expect(page.get_by_role("link", name="a pixel")).to_have_attribute("href", "https://example.com/pixel.png")
    page.reload()
    expect(page.get_by_role("link", name="a pixel")).to_be_visible()
    assert asked
    assert all(address.startswith(url) for address in asked)
