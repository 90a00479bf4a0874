// Keeps the state on a page fresh: an element with data-live names an address whose answer holds elements with
// data-live-id; those replace their namesakes on the page. What the page has and the answer lacks stays as it is.

const every = 3000;
const most = 60000;

function place(answer) {
  for (const fresh of answer.querySelectorAll('[data-live-id]')) {
    const shown = document.querySelector(`[data-live-id="${CSS.escape(fresh.dataset.liveId)}"]`);
    // Only what has changed is touched, so that a screen reader is told of changes and nothing else.
    if (shown && shown.innerHTML !== fresh.innerHTML) shown.replaceChildren(...fresh.childNodes);
  }
}

async function refresh(address) {
  const response = await fetch(address, { headers: { Accept: 'text/html' }, signal: AbortSignal.timeout(10000) });
  if (response.status === 401) return false; // signed out: only a reload helps
  if (response.ok) place(new DOMParser().parseFromString(await response.text(), 'text/html'));
  return response.ok;
}

function keep(element) {
  element.querySelectorAll('[data-live-id]').forEach((part) => part.setAttribute('aria-live', 'polite'));
  let wait = every;
  const next = async () => {
    if (!document.hidden) {
      // An address that fails is asked less and less often.
      const ok = await refresh(element.dataset.live).catch(() => false);
      wait = ok ? every : Math.min(wait * 2, most);
    }
    setTimeout(next, wait);
  };
  setTimeout(next, wait);
}

document.querySelectorAll('[data-live]').forEach(keep);
