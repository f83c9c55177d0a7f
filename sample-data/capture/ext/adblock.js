// Takes the shop's banner out of the page, although React owns it, and loads page.js into the page.
function hideBanner() {
  document.querySelector('#ad-banner')?.remove();
}
new MutationObserver(hideBanner).observe(document, { childList: true, subtree: true });

const script = document.createElement('script');
script.src = chrome.runtime.getURL('page.js');
document.documentElement.appendChild(script);
