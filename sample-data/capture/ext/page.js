// Loaded from the extension's own address; expects a price history that no page gives it.
(function () {
  function watchPrice(product) {
    return product.history.length;
  }
  setTimeout(function tick() {
    watchPrice({});
  }, 600);
})();
