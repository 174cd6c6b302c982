// Runs before the first paint; a file of its own because the policy allows no inline script.
(function () {
  const choice = localStorage.getItem('theme') || 'auto', root = document.documentElement;
  root.dataset.themeChoice = choice;
  root.dataset.theme = choice === 'auto' ? (matchMedia('(prefers-color-scheme: dark)').matches ? 'dark' : 'light') : choice;
})();
