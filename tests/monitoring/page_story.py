"""The status page in a real browser: shows what is, stays live, works without JavaScript, runs nothing that a peer's name
would have it run, and says when the gateway does not answer."""

import os

from chromium import Chromium
from observed import HOSTILE_NAME, PORTS, fetch

PAGE = f"http://127.0.0.1:{PORTS['jitwg-provisioner']}/"
CELLS = "[...document.querySelectorAll('#recent td')].map(cell => cell.textContent)"


def check_answers():
    """What a browser is told, and what it may not ask."""
    status, headers, text = fetch(PAGE)
    assert status == 200 and headers["Content-Type"] == "text/html; charset=utf-8", (status, headers)
    policy = headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy and "unsafe" not in policy and "frame-ancestors 'none'" in policy, policy
    assert headers["X-Content-Type-Options"] == "nosniff" and headers["Cache-Control"] == "no-store", headers
    assert "<img" not in text and "&lt;img src=x" in text, "the peer's name is text"
    assert fetch(PAGE, method="POST", body=b"")[0] == 405
    assert fetch(PAGE, headers={"Host": "evil.example"})[0] == 421, "a name of somebody else's"
    assert fetch(PAGE, headers={"Host": "localhost:9587"})[0] == 200
    assert fetch(PAGE + "status")[0] == 404


def check_shown(browser):
    browser.open(PAGE)
    browser.await_true("document.getElementById('state').textContent === 'live'", "the page calls itself live")
    assert "gw<1>" in browser.evaluate("document.title")
    row = browser.evaluate("[...document.querySelectorAll('#interfaces tbody td')].map(cell => cell.textContent)")
    assert row[0] == "wg0" and row[2] == "1" and row[4] == "0", row
    cells = browser.evaluate(CELLS)
    assert "installed" in cells and "unknown_key" in cells and HOSTILE_NAME in cells, cells
    assert browser.evaluate("document.querySelectorAll('img, b, iframe').length") == 0
    assert browser.evaluate("typeof window.owned") == "undefined"
    assert browser.evaluate("document.querySelectorAll('#latency tbody tr').length") == 3
    assert browser.evaluate("getComputedStyle(document.querySelector('main')).display") == "grid", "the style is there"


def check_live(browser, there):
    browser.evaluate("window.same = true")
    before = browser.evaluate(CELLS + ".filter(text => text === 'unknown_key').length")
    there.stranger.reset_session()
    there.stranger.poke()
    browser.await_true(CELLS + f".filter(text => text === 'unknown_key').length > {before}", "a decision appears")
    browser.await_true("document.querySelectorAll('#peers polyline').length === 2", "the chart is drawn")
    assert browser.evaluate("window.same === true"), "the page was loaded anew"


def check_policy(browser):
    """The browser itself refuses what escaping should have missed."""
    assert not browser.complaints, browser.complaints
    strangers = [url for url in browser.requests if not url.startswith(PAGE)]
    assert not [url for url in strangers if url != "about:blank"], strangers
    browser.evaluate("document.body.insertAdjacentHTML('beforeend', '<img src=x onerror=\"window.owned=1\">');"
                     "const script = document.createElement('script'); script.textContent = 'window.owned = 2';"
                     "document.body.append(script)")
    browser.await_true("document.querySelector('img').complete", "the image was refused")
    assert browser.evaluate("typeof window.owned") == "undefined", "an inline script ran"
    assert any("Content Security Policy" in text for text in browser.complaints), browser.complaints


def check_without_script(browser):
    browser.call("Emulation.setScriptExecutionDisabled", value=True)
    browser.open(PAGE)
    html = browser.html()
    assert ">wg0<" in html and ">installed<" in html and "p99" in html, html
    assert 'http-equiv="refresh"' in html
    browser.call("Emulation.setScriptExecutionDisabled", value=False)


def check_gone(browser, there):
    browser.open(PAGE)
    browser.await_true("document.getElementById('state').textContent === 'live'", "live again")
    there.jitwg.provisioner.stop()
    browser.await_true("document.getElementById('state').className === 'broken'", "the page says that nobody answers")


def tell(there, folder):
    """The whole story."""
    check_answers()
    browser = Chromium(folder)
    try:
        check_shown(browser)
        check_live(browser, there)
        browser.screenshot(os.path.join(folder, "status-page.png"))
        check_policy(browser)
        check_without_script(browser)
        check_gone(browser, there)
    finally:
        browser.close()
