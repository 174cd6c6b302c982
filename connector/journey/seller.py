"""A seller at the screen: logs in to the admin, and agrees on the marketplace's consent page."""

from __future__ import annotations

from html.parser import HTMLParser

import requests

from connector.errors import ConfigurationError, RetryableError

TIMEOUT = (5, 60)


class Seller:
    """A browser without a window, on the pages of the connector at `base_url`."""

    def __init__(self, base_url: str, email: str, password: str) -> None:
        self.base_url, self._email, self._password = base_url, email, password
        self._http = requests.Session()

    def connect(self, account_id: int) -> None:
        """Log in, press “Authorise on TikTok Shop”, agree, and come back.

        Raises:
            ConfigurationError: a page refused; with its address and status.
        """
        self._post("/admin/login/", self._page("/admin/login/"), email=self._email, password=self._password)
        page = self._page(f"/admin/accounts/connect/?id={account_id}")
        leaving = self._post("/admin/accounts/connect/start/", page, id=str(account_id))
        if not leaving.target:
            raise ConfigurationError("The page that leads to TikTok Shop names no address.")
        back = self._call("POST", leaving.target, {"decision": "authorize"})
        if not back.url.startswith(self.base_url):
            raise ConfigurationError(f"The consent page did not lead back to {self.base_url}, but to {back.url}.")

    def _page(self, path: str) -> _Page:
        return _Page.of(self._call("GET", self.base_url + path))

    def _post(self, path: str, page: _Page, **fields: str) -> _Page:
        return _Page.of(self._call("POST", self.base_url + path, {"csrf_token": page.token, **fields}))

    def _call(self, method: str, url: str, form: dict[str, str] | None = None) -> requests.Response:
        try:
            answer = self._http.request(method, url, data=form, timeout=TIMEOUT)
        except requests.RequestException as error:
            raise RetryableError(f"{url} does not answer.", system="web") from error
        if answer.status_code >= 500:
            raise RetryableError(f"{url} answered {answer.status_code}.", system="web")
        if answer.status_code >= 400:
            raise ConfigurationError(f"{method} {url} was refused with status {answer.status_code}.")
        return answer


class _Page(HTMLParser):
    """What the seller's browser needs of a page: the token of its forms, and the link that leads on."""

    def __init__(self) -> None:
        super().__init__()
        self.token, self.target = "", ""

    @classmethod
    def of(cls, answer: requests.Response) -> _Page:
        page = cls()
        page.feed(answer.text)
        return page

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note a form's token, and a link marked as the one that leads on."""
        values = dict(attrs)
        if tag == "input" and values.get("name") == "csrf_token":
            self.token = self.token or values.get("value") or ""
        elif tag == "a" and "data-go-to" in values:
            self.target = values.get("href") or ""
