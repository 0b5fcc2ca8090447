"""What an answer may look like, and what it can never do."""

import pytest
from playwright.sync_api import Page, expect

from tests.browser.customer import Customer
from tests.services import Services

pytestmark = pytest.mark.browser

PAYLOADS = (
    "<script>window.hit=1</script>",
    "<img src=x onerror=window.hit=1>",
    "<svg onload=window.hit=1>",
    "<svg><script>window.hit=1</script></svg>",
    "<iframe src=javascript:parent.hit=1></iframe>",
    "<iframe srcdoc='<script>parent.hit=1</script>'></iframe>",
    "<body onload=window.hit=1>",
    "<a href=javascript:window.hit=1>x</a>",
    "<details open ontoggle=window.hit=1>",
    "<video><source onerror=window.hit=1></video>",
    "<input autofocus onfocus=window.hit=1>",
    "<math><mi xlink:href=javascript:window.hit=1>",
    "<object data=javascript:window.hit=1>",
    "<embed src=javascript:window.hit=1>",
    "<form action=javascript:window.hit=1><button>x</button></form>",
    "<style>@import 'javascript:window.hit=1'</style>",
    "<link rel=stylesheet href=//example.com/x.css>",
    "<meta http-equiv=refresh content=0;url=javascript:window.hit=1>",
    "<base href=//example.com/>",
    "<template><img src=x onerror=window.hit=1></template>",
    "[x](javascript:window.hit=1)",
    "[x](JaVaScRiPt:window.hit=1)",
    "[x](java\tscript:window.hit=1)",
    "[x](\x01javascript:window.hit=1)",
    "[x](vbscript:window.hit=1)",
    "[x](data:text/html,<script>parent.hit=1</script>)",
    "[x](data:text/html;base64,PHNjcmlwdD5hbGVydCgxKTwvc2NyaXB0Pg==)",
    "[x](file:///etc/passwd)",
    "[x](blob:https://example.com/1)",
    "[x](//example.com/x)",
    "[x](http://example.com/)",
    '[x](https://example.com/"onmouseover=window.hit=1)',
    "[x](https://example.com/'onclick='window.hit=1)",
    "![x](https://example.com/x.png)",
    '![x](x "onerror=window.hit=1")',
    "[![x](x)](javascript:window.hit=1)",
    "[<img src=x onerror=window.hit=1>](https://example.com/)",
    "**<img src=x onerror=window.hit=1>**",
    "*<b onclick=window.hit=1>x</b>*",
    "`<img src=x onerror=window.hit=1>`",
    "```\n<img src=x onerror=window.hit=1>\n```",
    "- <img src=x onerror=window.hit=1>",
    "1. <svg/onload=window.hit=1>",
    "# <img src=x onerror=window.hit=1>",
    "https://example.com/<script>window.hit=1</script>",
    'https://example.com/"><img src=x onerror=window.hit=1>',
    "&lt;img src=x onerror=window.hit=1&gt;",
    "<!--><img src=x onerror=window.hit=1>-->",
    "<![CDATA[<img src=x onerror=window.hit=1>]]>",
    "<noscript><p title='</noscript><img src=x onerror=window.hit=1>'>",
)
FORBIDDEN = (
    "img, script, iframe, object, embed, form, input, style, link, meta, base, video, math, svg"
)

RENDER = """async (_, sources) => {
    const { render } = await import("/static/widget/markdown.js");
    return sources.map(source => {
        const box = document.createElement("div");
        box.append(render(source));
        document.body.append(box);
        const inner = box.innerHTML;
        return inner;
    });
}"""


def rendered(page: Page, csbot: Services, bot: str, *sources: str) -> list[str]:
    page.goto(f"{csbot.url}/widget/{bot}/")
    result: list[str] = page.locator("html").evaluate(RENDER, list(sources))
    return result


def test_no_payload_becomes_markup(page: Page, csbot: Services, bot: str) -> None:
    rendered(page, csbot, bot, *PAYLOADS)
    page.wait_for_timeout(300)
    assert page.evaluate("window.hit") is None
    boxes = page.locator("body > div:not(#announcer)")
    assert boxes.count() == len(PAYLOADS)
    assert boxes.locator(FORBIDDEN).count() == 0
    attributes = boxes.locator("*").evaluate_all(
        "nodes => [...new Set(nodes.flatMap(node => node.getAttributeNames()))].sort()"
    )
    assert set(attributes) <= {"href", "target", "rel", "title", "start", "tabindex"}
    schemes = boxes.locator("a").evaluate_all("nodes => [...new Set(nodes.map(n => n.protocol))]")
    assert set(schemes) <= {"https:", "mailto:"}


def test_echoed_payloads_run_nothing(customer: Customer) -> None:
    customer.open()
    for start in range(0, len(PAYLOADS), 10):
        customer.ask_and_wait("\n\n".join(PAYLOADS[start : start + 10]))
    root = customer.panel.locator("html")
    assert root.evaluate("() => window.hit") is None
    assert customer.page.evaluate("window.hit") is None
    assert customer.panel.locator(".bubble").locator(FORBIDDEN).count() == 0


@pytest.mark.parametrize(
    ("source", "html"),
    [
        ("one\ntwo\n\nthree", "<p>one<br>two</p><p>three</p>"),
        ("**bold *both* bold**", "<p><strong>bold <em>both</em> bold</strong></p>"),
        ("2 * 3 * 4 and snake_case_name", "<p>2 * 3 * 4 and snake_case_name</p>"),
        ("an **open bold", "<p>an **open bold</p>"),
        ("- a\n- b\n\n3. c", '<ul><li>a</li><li>b</li></ul><ol start="3"><li>c</li></ol>'),
        ("`**not bold**`", "<p><code>**not bold**</code></p>"),
        ("```py\nx < 1\n```", '<pre tabindex="0"><code>x &lt; 1</code></pre>'),
        ("```\nopen", '<pre tabindex="0"><code>open</code></pre>'),
        ("## Head", "<p><strong>Head</strong></p>"),
        (r"\*no\*", "<p>*no*</p>"),
        ("**请注意：**三天", "<p><strong>请注意：</strong>三天</p>"),
    ],
)
def test_subset(page: Page, csbot: Services, bot: str, source: str, html: str) -> None:
    assert rendered(page, csbot, bot, source) == [html]


def test_link_is_marked_as_foreign(page: Page, csbot: Services, bot: str) -> None:
    (html,) = rendered(page, csbot, bot, "see https://example.com/a。")
    assert html == (
        '<p>see <a href="https://example.com/a" target="_blank" rel="noopener nofollow ugc" '
        'title="https://example.com/a">https://example.com/a</a>。</p>'
    )


def test_long_nonsense_is_quick(page: Page, csbot: Services, bot: str) -> None:
    rendered(page, csbot, bot)
    nasty = [
        "*" * 8000,
        "[" * 8000,
        "`" * 8000,
        "_a" * 4000,
        "**a" * 3000,
        "\n".join("- x" for _ in range(3000)),
    ]
    milliseconds = page.locator("html").evaluate(
        """async (_, sources) => {
            const { render } = await import("/static/widget/markdown.js");
            const start = performance.now();
            sources.forEach(source => render(source));
            return performance.now() - start;
        }""",
        nasty,
    )
    assert milliseconds < 1500
    expect(page.locator("#text")).to_be_visible()
