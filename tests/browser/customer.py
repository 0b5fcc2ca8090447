"""What a customer does with the widget, in the words of the tests."""

from playwright.sync_api import FrameLocator, Locator, Page, expect

expect.set_options(timeout=15_000)


class Customer:
    """One tab with the demo shop. ``errors`` collects what scripts threw."""

    def __init__(self, page: Page, url: str, query: str = "?lang=en&theme=light") -> None:
        self.page = page
        self.errors: list[str] = []
        page.on("pageerror", lambda error: self.errors.append(str(error)))
        page.goto(f"{url}/{query}")

    @property
    def launcher(self) -> Locator:
        return self.page.locator("[id^=csbot-] > button")

    @property
    def panel(self) -> FrameLocator:
        return self.page.frame_locator("iframe")

    @property
    def composer(self) -> Locator:
        return self.panel.locator("#text")

    @property
    def questions(self) -> Locator:
        return self.panel.locator("[data-role=customer]")

    @property
    def replies(self) -> Locator:
        return self.panel.locator("[data-role=assistant]")

    @property
    def answers(self) -> Locator:
        """Complete replies."""
        return self.panel.locator("[data-role=assistant][data-status=sent]")

    def open(self) -> "Customer":
        self.launcher.click()
        expect(self.composer).to_be_visible()
        return self

    def ask(self, text: str) -> None:
        self.composer.fill(text)
        self.composer.press("Enter")

    def tell(self, text: str) -> None:
        """Ask a person, who answers once this is stored and not before."""
        self.ask(text)
        expect(self.questions.last).to_contain_text(text)
        expect(self.questions.last).to_have_attribute("data-status", "sent")

    def ask_and_wait(self, text: str) -> Locator:
        before = self.answers.count()
        self.ask(text)
        expect(self.answers).to_have_count(before + 1)
        return self.answers.nth(before)

    def said(self, reply: Locator) -> str:
        return reply.locator(".bubble .text").inner_text()
