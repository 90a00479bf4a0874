// Keeps the state on a page fresh. An element with data-live names an address whose answer holds elements with
// data-live-id; those replace their namesakes on the page. What the page has and the answer lacks stays as it is. An
// element with data-follow names one that sends such answers by itself whenever something has changed. An answer with
// data-live-done in it is the last that is asked for. With data-live-soon somebody waits for what comes in a moment: it is
// asked for at once, and then less and less often until it is as often as otherwise.

const soon = 150;
const every = 3000;
const most = 60000;

function place(answer) {
  for (const fresh of answer.querySelectorAll('[data-live-id]')) {
    const shown = document.querySelector(`[data-live-id="${CSS.escape(fresh.dataset.liveId)}"]`);
    // Only what has changed is touched, so that a screen reader is told of changes and nothing else.
    if (shown && shown.innerHTML !== fresh.innerHTML) shown.replaceChildren(...fresh.childNodes);
  }
}

const parsed = (html) => new DOMParser().parseFromString(html, 'text/html');

function announce(element) {
  element.querySelectorAll('[data-live-id]').forEach((part) => part.setAttribute('aria-live', 'polite'));
}

async function refresh(address) {
  const response = await fetch(address, { headers: { Accept: 'text/html' }, signal: AbortSignal.timeout(10000) });
  if (response.status === 401) return { ok: false }; // signed out: only a reload helps
  if (!response.ok) return { ok: false };
  const answer = parsed(await response.text());
  const done = answer.querySelector('[data-live-done]') !== null;
  place(answer);
  return { ok: true, done };
}

function keep(element) {
  announce(element);
  const calm = (wait) => Math.min(wait * 1.5, every);
  let wait = 'liveSoon' in element.dataset ? soon : every;
  const next = async () => {
    if (!document.hidden) {
      // An address that fails is asked less and less often.
      const { ok, done } = await refresh(element.dataset.live).catch(() => ({ ok: false }));
      if (done) return;
      wait = ok ? calm(wait) : Math.min(wait * 2, most);
    }
    setTimeout(next, wait);
  };
  setTimeout(next, wait);
}

// The server is woken by a page that follows and sleeps only when nobody does. So a page that is not looked at lets
// go, and one that was sent to rest goes on when somebody is there again.
function follow(element) {
  announce(element);
  let source = null;
  let resting = false;
  let wait = every;

  const close = () => { source?.close(); source = null; };
  const open = () => {
    if (source || resting || document.hidden) return;
    source = new EventSource(element.dataset.follow);
    source.addEventListener('state', (event) => { wait = every; place(parsed(event.data)); });
    source.addEventListener('rest', () => { resting = true; close(); });
    source.addEventListener('error', () => {
      if (source?.readyState !== EventSource.CLOSED) return; // the browser tries again by itself
      close();
      setTimeout(open, wait);
      wait = Math.min(wait * 2, most);
    });
  };
  const wake = () => { resting = false; open(); };

  document.addEventListener('visibilitychange', () => (document.hidden ? close() : wake()));
  for (const sign of ['pointermove', 'keydown', 'focusin']) document.addEventListener(sign, () => resting && wake());
  addEventListener('pagehide', close);
  addEventListener('pageshow', open);
  open();
}

document.querySelectorAll('[data-live]').forEach(keep);
document.querySelectorAll('[data-follow]').forEach(follow);
