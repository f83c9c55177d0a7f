"""Recordings written by hand in rrweb's own terms: a shop's page that goes blank, and a hostile one."""

# ruff: noqa: E501

from __future__ import annotations

from typing import Any

START = 1_773_066_180_000


class Page:
    """Number the nodes of a page as rrweb does."""

    def __init__(self) -> None:
        self.last = 0

    def text(self, content: str) -> dict[str, Any]:
        self.last += 1
        return {"type": 3, "textContent": content, "id": self.last}

    def element(self, name: str, attributes: dict[str, str] | None = None, *children: dict[str, Any]) -> dict[str, Any]:
        self.last += 1
        return {
            "type": 2,
            "tagName": name,
            "attributes": attributes or {},
            "childNodes": list(children),
            "id": self.last,
        }

    def document(self, head: list[dict[str, Any]], body: list[dict[str, Any]]) -> dict[str, Any]:
        html = self.element("html", {"lang": "en"}, self.element("head", {}, *head), self.element("body", {}, *body))
        self.last += 1
        doctype = {"type": 1, "name": "html", "publicId": "", "systemId": "", "id": self.last}
        self.last += 1
        return {"type": 0, "childNodes": [doctype, html], "id": self.last}


def meta(t: int, href: str, width: int = 1200, height: int = 700) -> dict[str, Any]:
    return {"type": 4, "data": {"href": href, "width": width, "height": height}, "timestamp": START + t}


def snapshot(t: int, node: dict[str, Any]) -> dict[str, Any]:
    return {"type": 2, "data": {"node": node, "initialOffset": {"left": 0, "top": 0}}, "timestamp": START + t}


def incremental(t: int, source: int, **data: Any) -> dict[str, Any]:
    return {"type": 3, "data": {"source": source, **data}, "timestamp": START + t}


def checkout_goes_blank() -> list[dict[str, Any]]:
    """A checkout page; the pointer goes to "Apply", a click, and 0.4 s later the page has no text any more."""
    page = Page()
    style = page.element(
        "style",
        {},
        page.text(
            "body{font-family:sans-serif;margin:32px;color:#222} .cart{border:1px solid #ccc;padding:16px;width:520px}"
            "button{padding:8px 16px;background:#2a5bd7;color:white;border:0;border-radius:4px}"
        ),
    )
    button = page.element("button", {"type": "button"}, page.text("Apply discount"))
    cart = page.element("div", {"class": "cart"}, page.element("p", {}, page.text("2 items · 48.00 €")), button)
    root = page.element("div", {"id": "root"}, page.element("h1", {}, page.text("Your cart")), cart)
    document = page.document([style], [root])
    path = [{"x": 40 + 9 * i, "y": 30 + 8 * i, "id": root["id"], "timeOffset": -500 + 50 * i} for i in range(11)]
    return [
        meta(0, "https://shop.example/checkout"),
        snapshot(20, document),
        incremental(1500, 1, positions=path),
        incremental(3000, 1, positions=[{"x": 118, "y": 178, "id": button["id"], "timeOffset": 0}]),
        incremental(3200, 2, type=2, id=button["id"], x=118, y=178),
        incremental(
            3600,
            0,
            texts=[],
            attributes=[],
            adds=[],
            removes=[{"parentId": root["id"], "id": child["id"]} for child in root["childNodes"]],
        ),
        incremental(8000, 1, positions=[{"x": 320, "y": 240, "id": root["id"], "timeOffset": 0}]),
    ]


def hostile(server: str) -> list[dict[str, Any]]:
    """A page that tries every way out that we know of; each goes to `server`, which counts."""
    page = Page()

    def to(name: str) -> str:
        return f"{server}/{name}"

    head = [
        page.element("link", {"rel": "stylesheet", "href": to("style.css")}),
        page.element("link", {"rel": "preconnect", "href": server}),
        page.element("link", {"rel": "preload", "as": "image", "href": to("preload.png")}),
        page.element("meta", {"http-equiv": "refresh", "content": f"0;url={to('refresh')}"}),
        page.element("base", {"href": server}),
        page.element("style", {}, page.text(f"@import url({to('import.css')}); body{{background:url({to('bg.png')})}}"
                                            f"@font-face{{font-family:F;src:url({to('font.woff2')})}} h1{{font-family:F}}")),
        page.element("script", {"src": to("script.js")}, page.text("parent.parent.__touched = 1")),
    ]  # fmt: skip
    body = [
        page.element("h1", {}, page.text("hostile page")),
        page.element("img", {"src": to("img.png"), "onerror": f"fetch('{to('onerror')}');parent.__touched=1;top.__touched=1"}),
        page.element("img", {"srcset": f"{to('srcset.png')} 2x"}),
        page.element("iframe", {"src": to("iframe")}),
        page.element("iframe", {"srcdoc": f"<script>parent.parent.__touched=1;fetch('{to('srcdoc')}')</script>"}),
        page.element("object", {"data": to("object")}),
        page.element("embed", {"src": to("embed")}),
        page.element("video", {"src": to("video.mp4"), "poster": to("poster.png"), "autoplay": ""}),
        page.element("audio", {"src": to("audio.mp3"), "autoplay": ""}),
        page.element("svg", {}, page.element("image", {"href": to("svg.png"), "xlink:href": to("svg2.png")})),
        page.element("form", {"action": to("form"), "method": "post"}, page.element("input", {"type": "image", "src": to("input.png"), "autofocus": "", "onfocus": "top.__touched=1"})),
        page.element("a", {"href": "javascript:top.__touched=1", "ping": to("ping")}, page.text("link")),
        page.element("details", {"open": "", "ontoggle": "top.__touched=1"}, page.text("x")),
        page.element("div", {"style": f"background:url({to('inline.png')})"}, page.text("inline")),
    ]  # fmt: skip
    late = page.element("img", {"src": to("late.png"), "onerror": "top.__touched=1"})
    document = page.document(head, body)
    return [
        meta(0, f"{server}/page", 900, 500),
        snapshot(20, document),
        incremental(1000, 0, texts=[], attributes=[], removes=[],
                    adds=[{"parentId": body[0]["id"], "nextId": None, "node": late}]),
        incremental(2500, 1, positions=[{"x": 20, "y": 20, "id": body[0]["id"], "timeOffset": 0}]),
    ]  # fmt: skip
