// Runs before the first paint, so that a chosen theme does not flash the other one. No choice: the browser's preference.
(() => {
  const chosen = /(?:^|; )theme=(dark|light)(?:;|$)/.exec(document.cookie);
  if (chosen) document.documentElement.dataset.theme = chosen[1];
})();
