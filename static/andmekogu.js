// The script of every page. Each page works without it; what it adds is comfort. No dependency.
// data-part="#id"    link or form: fetch, then swap only #id from the answer (a whole page or a part both work)
// data-draft="URL"   form: keep a draft on the server 1.5 s after the last change
// data-key="n"       a single key that presses it (can be switched off in the settings: WCAG 2.1.4)
// data-when='{"name":"…","is":["…"]}'  shown only while the field of that name has one of these values
// data-print         prints the page
// data-all="#id"     box that ticks every box within #id
(() => {
  const $ = (s, r = document) => r.querySelector(s);
  const $$ = (s, r = document) => [...r.querySelectorAll(s)];
  const html = document.documentElement, body = document.body;
  const policy = window.trustedTypes?.createPolicy('andmekogu', { createHTML: s => s });
  const meta = $('meta[name=session]');
  const live = () => $('#live') || body.appendChild(Object.assign(document.createElement('div'), { id: 'live', className: 'vh', role: 'status' }));
  const say = text => { live().textContent = ''; setTimeout(() => { live().textContent = text; }, 50); };
  html.dataset.script = 'yes';

  async function swap(url, options, id, push) {
    let answer;
    try { answer = await fetch(url, { ...options, credentials: 'same-origin', headers: { ...options?.headers, 'X-Part': id, Accept: 'text/html' } }); }
    catch { say(body.dataset.offline); return; }
    if (answer.status === 401) { location.assign(meta?.dataset.login || '/'); return; }
    const text = await answer.text();
    const doc = new DOMParser().parseFromString(policy ? policy.createHTML(text) : text, 'text/html');
    const fresh = doc.getElementById(id), old = document.getElementById(id);
    if (!fresh || !old) { location.assign(answer.url); return; } // another page: go there for real
    const active = old.contains(document.activeElement) && document.activeElement.id; // who is elsewhere by now stays there
    old.replaceWith(fresh);
    if (doc.title) document.title = doc.title;
    if (push) {
      if (!history.state) history.replaceState({ part: id }, ''); // so that going back is seen as such
      history.pushState({ part: id }, '', answer.url);
    }
    const target = $('[data-focus]', fresh) || (active && document.getElementById(active)); // faults first, else where one was
    target?.focus({ preventScroll: !target.matches('[data-focus]') });
    conditions(fresh);
    fold(fresh);
    if (fresh.dataset.say) say(fresh.dataset.say);
  }

  addEventListener('click', e => {
    const all = e.target.closest?.('[data-all]');
    if (all) { $$('input[type=checkbox]', $(all.dataset.all)).forEach(box => { box.checked = all.checked; }); return; }
    const printer = e.target.closest?.('[data-print]');
    if (printer && !e.ctrlKey && !e.metaKey && !e.shiftKey) { e.preventDefault(); print(); return; }
    const fault = e.target.closest?.('.summary a[href^="#"]');
    if (fault) { const field = document.getElementById(fault.hash.slice(1)); if (field) { e.preventDefault(); field.scrollIntoView({ block: 'center' }); field.focus({ preventScroll: true }); } return; }
    const a = e.target.closest?.('a[data-part]');
    if (!a || e.defaultPrevented || e.button || e.metaKey || e.ctrlKey || e.shiftKey || a.origin !== location.origin) return;
    e.preventDefault();
    swap(a.href, {}, a.dataset.part.slice(1), true);
  });

  addEventListener('submit', e => {
    const form = e.target, button = e.submitter;
    if (form.method === 'dialog') return;
    if (form.dataset.sent) { e.preventDefault(); return; } // pressed twice
    const part = button?.dataset.part || form.dataset.part;
    if (part && form.enctype !== 'multipart/form-data') {
      e.preventDefault();
      form.dataset.sent = '1';
      const data = new FormData(form, button), get = form.method === 'get';
      const url = new URL(button?.hasAttribute('formaction') ? button.formAction : form.action);
      if (get) url.search = new URLSearchParams(data);
      swap(url, get ? {} : { method: 'POST', body: new URLSearchParams(data) }, part.slice(1), get).finally(() => { delete form.dataset.sent; });
    } else if (form.method === 'post') {
      form.dataset.sent = '1';
      setTimeout(() => { delete form.dataset.sent; }, 5000);
    }
    delete form.dataset.changed;
  });
  // Only between the states of a swap: a step to an anchor of the page comes here too, and must not load it anew.
  addEventListener('popstate', e => { if (e.state?.part) location.reload(); });
  // A page that the browser kept may be of a session that is over, or of a form that was sent.
  addEventListener('pageshow', e => { if (e.persisted) location.reload(); });

  // Drafts are kept by the server alone: nothing personal stays in the browser.
  const timers = new WeakMap();
  addEventListener('input', e => {
    const form = e.target.form;
    conditions(form || document);
    if (form?.method === 'post') form.dataset.written = '1';
    if (!form?.dataset.draft) return;
    form.dataset.changed = '1';
    clearTimeout(timers.get(form));
    timers.set(form, setTimeout(() => keep(form), 1500));
  });
  async function keep(form) {
    const place = $('[data-draft-state]', form);
    try {
      const data = new FormData(form);
      for (const [name, value] of [...data]) if (value instanceof File) data.delete(name);
      const answer = await fetch(form.dataset.draft, { method: 'POST', body: new URLSearchParams(data), credentials: 'same-origin', headers: { 'X-Part': 'draft' } });
      if (!answer.ok) throw new Error(answer.status);
      delete form.dataset.changed;
      if (place) place.textContent = await answer.text();
    } catch {
      if (place) place.textContent = body.dataset.unsaved;
      timers.set(form, setTimeout(() => keep(form), 5000));
    }
  }
  addEventListener('beforeunload', e => { if ($('form[data-changed="1"]:not([data-sent])')) e.preventDefault(); });

  // Fields that belong there only under a condition on another one.
  function conditions(root) {
    for (const field of $$('[data-when]', root)) {
      let when;
      try { when = JSON.parse(field.dataset.when); } catch { continue; }
      const form = field.closest('form');
      if (!form) continue;
      const values = new FormData(form).getAll(when.name).filter(v => v !== '');
      const holds = when.present === undefined ? values.some(v => when.is.includes(v)) : (values.length > 0) === when.present;
      field.hidden = !holds && !$('[aria-invalid=true]', field);
    }
  }
  conditions(document);

  // A personal code is asked about as soon as it is whole.
  addEventListener('input', e => {
    const field = e.target, url = field.dataset?.check, code = field.value?.trim();
    if (!url || code.length !== 11) return;
    swap(url, { method: 'POST', body: new URLSearchParams({ csrf: meta.dataset.csrf, at: field.name, code }) }, `${field.id}-check`);
  });
  // What stands beside the page on a wide screen is folded on a narrow one, where it would stand before it.
  function fold(root) {
    if (matchMedia('(max-width:1180px)').matches) for (const part of $$('details[data-wide]', root)) part.open = false;
  }
  fold(document);

  // The session: warn five minutes before its end; going on keeps the page (WCAG 2.2.1).
  const dialog = $('dialog#session');
  if (meta && dialog) {
    let end, warned = false;
    const begin = seconds => { end = Date.now() + seconds * 1000; warned = false; };
    begin(+meta.content);
    setInterval(() => {
      const left = Math.round((end - Date.now()) / 1000);
      if (left <= 0) {
        // Nothing that is being written is lost: it stays, and goes through the login when it is sent.
        if (!$('form[data-draft], form[data-written]')) location.assign(meta.dataset.login);
      } else if (left <= 300) {
        const place = $('[data-left]', dialog);
        if (place) place.textContent = `${Math.floor(left / 60)}:${String(left % 60).padStart(2, '0')}`;
        if (!warned && !dialog.open) { warned = true; dialog.showModal(); }
      }
    }, 1000);
    dialog.addEventListener('close', async () => {
      const answer = await fetch(meta.dataset.extend, { method: 'POST', body: new URLSearchParams({ csrf: meta.dataset.csrf }), credentials: 'same-origin', headers: { 'X-Part': 'session' } });
      if (answer.ok) begin(+await answer.text());
    });
  }

  // Keys.
  addEventListener('keydown', e => {
    if ((e.ctrlKey || e.metaKey) && e.key === 's') {
      const form = document.activeElement?.form || $('main form[data-draft]');
      if (form) { e.preventDefault(); form.requestSubmit($('.pri', form) || undefined); }
      return;
    }
    if (e.key === 'Escape') { const open = $('details.me[open]'); if (open) { open.open = false; $('summary', open).focus(); } return; }
    if (e.ctrlKey || e.metaKey || e.altKey || html.dataset.keys === 'no' || /INPUT|TEXTAREA|SELECT/.test(e.target.tagName)) return;
    const key = e.key.toLowerCase();
    if (key === 'j' || key === 'k') {
      const rows = $$('main table a.row-link');
      const at = rows.indexOf(document.activeElement), to = rows[at + (key === 'j' ? 1 : -1)] || (at < 0 && rows[0]);
      if (to) { e.preventDefault(); to.focus(); }
      return;
    }
    const target = key === '/' ? $('#q') : $(`[data-key="${CSS.escape(key)}"]`);
    if (target) { e.preventDefault(); if (target.matches('input')) target.focus(); else target.click(); }
  });
  addEventListener('click', e => { const open = $('details.me[open]'); if (open && !open.contains(e.target)) open.open = false; });

  // Faults first: whoever sent a form with faults begins at their list.
  $('[data-focus]')?.focus();
})();
