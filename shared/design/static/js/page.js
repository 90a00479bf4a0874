// What every page has: copy buttons and the choice of theme, which are hidden until this script shows them, and forms that
// are sent once.

function copyText(button) {
  const box = button.closest('.copy, .snippet');
  const source = box.querySelector('input, pre');
  return source.value ?? source.textContent;
}

function enableCopy(button) {
  const label = button.firstChild;
  const before = label.textContent;
  button.hidden = false;
  button.addEventListener('click', async () => {
    try {
      await navigator.clipboard.writeText(copyText(button));
      label.textContent = 'Copied';
    } catch {
      // Without permission: select it, so that the keyboard can copy.
      button.closest('.copy')?.querySelector('input').select();
      label.textContent = 'Press Ctrl-C';
    }
    setTimeout(() => { label.textContent = before; }, 2000);
  });
}

// Shared by all sites under the landing site's name, where the browser allows that.
function remember(theme) {
  const base = `theme=${theme}; Path=/; Max-Age=31536000; SameSite=Lax`;
  const home = document.querySelector('.brand')?.hostname;
  document.cookie = home ? `${base}; Domain=${home}` : base;
  if (!document.cookie.includes(`theme=${theme}`)) document.cookie = base;
}

function enableTheme(button) {
  const root = document.documentElement;
  const preference = matchMedia('(prefers-color-scheme: light)');
  const isLight = () => (root.dataset.theme ?? (preference.matches ? 'light' : 'dark')) === 'light';
  const name = () => { button.textContent = isLight() ? 'Dark theme' : 'Light theme'; };
  button.addEventListener('click', () => {
    root.dataset.theme = isLight() ? 'dark' : 'light';
    remember(root.dataset.theme);
    name();
  });
  preference.addEventListener('change', name);
  name();
  button.hidden = false;
}

// A second press while the first is on its way would ask for the same once more. The buttons stay as they are: a disabled
// one is not sent with its form. A page that stays, because the answer is a file or nobody answers, may ask again later.
const answerTime = 15000;

function sendOnce(event) {
  const form = event.target;
  if (event.defaultPrevented) return;
  if (form.ariaBusy === 'true') {
    event.preventDefault();
    return;
  }
  form.ariaBusy = 'true';
  setTimeout(() => { form.ariaBusy = null; }, answerTime);
}

addEventListener('submit', sendOnce);
// The browser may show this page again as it was left.
addEventListener('pageshow', () => document.querySelectorAll('form[aria-busy]').forEach((form) => { form.ariaBusy = null; }));
document.querySelectorAll('[data-copy]').forEach(enableCopy);
document.querySelectorAll('[data-theme-toggle]').forEach(enableTheme);
