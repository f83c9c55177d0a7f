// Runs in the page's own world and trusts an element that the shop doesn't have.
(function () {
  function findCoupon(page) {
    return page.querySelector('#coupon-slot-9').dataset.code;
  }
  setTimeout(function scan() {
    findCoupon(document);
  }, 400);
})();
