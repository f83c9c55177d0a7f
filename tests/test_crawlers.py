"""The fast way to judge agents gives `is-bot`'s own answers."""

from hypothesis import given, settings
from hypothesis import strategies as st
from is_bot import Bots

from workbench.crawlers import crawlers

JUDGE = Bots()
# As the vendors document them.
CRAWLERS = [
    "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)",
    "Mozilla/5.0 (Linux; Android 6.0.1; Nexus 5X Build/MMB29P) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0"
    " Mobile Safari/537.36 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)",
    "Mozilla/5.0 (compatible; bingbot/2.0; +http://www.bing.com/bingbot.htm)",
    "Mozilla/5.0 (compatible; YandexBot/3.0; +http://yandex.com/bots)",
    "DuckDuckBot/1.1; (+http://duckduckgo.com/duckduckbot.html)",
    "facebookexternalhit/1.1 (+http://www.facebook.com/externalhit_uatext.php)",
    "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) HeadlessChrome/140.0.0.0 Safari/537.36",
    "curl/8.5.0",
    "python-requests/2.32.0",
]
BROWSERS = [
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36",
    "Mozilla/5.0 (Linux; Android 14; Pixel 8) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Mobile"
    " Safari/537.36",
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.1"
    " Safari/605.1.15",
    "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0",
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) CriOS/140.0.0.0"
    " Mobile/15E148 Safari/604.1",
    "Mozilla/5.0 (Linux; Android 13; CUBOT X50) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0 Mobile"
    " Safari/537.36",
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) GSA/300.0"
    " Mobile/15E148 Safari/604.1",
]
PIECES = [
    "bot",
    "Google",
    "google/",
    " cubot ",
    "http",
    "lib",
    "scan",
    "cam",
    "news",
    "sapphire",
    "Chrome/1.0",
    ";",
    "/",
    "\n",
    "é",
]


def test_crawlers_and_browsers_are_told_apart():
    assert set(crawlers(CRAWLERS).values()) == {True}
    assert set(crawlers(BROWSERS).values()) == {False}


@settings(max_examples=300, deadline=None)
@given(
    st.one_of(
        st.text(max_size=80),
        st.lists(st.sampled_from(PIECES + CRAWLERS + BROWSERS), max_size=5).map("".join),
        st.tuples(st.sampled_from(CRAWLERS + BROWSERS), st.integers(0, 60), st.integers(0, 60)).map(
            lambda t: t[0][t[1] : -t[2] or None]
        ),
    )
)
def test_any_agent_is_judged_as_is_bot_judges_it(agent):
    assert crawlers([agent])[agent] == JUDGE.is_bot(agent)
