// Keeps the numbers of a page fresh: asks the address in data-poll every two seconds while the page is visible,
// writes each value into the elements that name it, and loads the page anew once when it is over.
(function () {
  "use strict";
  var root = document.querySelector("[data-poll]");
  if (!root) { return; }
  var delay = 2000;

  function show(data) {
    root.querySelectorAll("[data-live]").forEach(function (element) {
      var value = element.getAttribute("data-live").split(".").reduce(function (found, key) {
        return found === undefined || found === null ? found : found[key];
      }, data);
      if (value !== undefined && element.textContent !== String(value)) { element.textContent = value; }
    });
    root.querySelectorAll("[data-live-value]").forEach(function (element) {
      element.value = data[element.getAttribute("data-live-value")];
    });
  }

  function ask() {
    if (document.hidden) { return later(); }
    fetch(root.getAttribute("data-poll"), { headers: { Accept: "application/json" }, redirect: "error" })
      .then(function (answer) {
        if (!answer.ok) { throw new Error(answer.status); }
        return answer.json();
      })
      .then(function (data) {
        show(data);
        if (data.is_over) { location.reload(); } else { later(); }
      })
      .catch(later);
  }

  function later() { setTimeout(ask, delay); }
  later();
})();
