// Updates the page continuously, and submits changes with `fetch`. Without this script, pages are not updated, and
// changes can be made only over https or on this machine.
const { live } = document.documentElement.dataset
const status = document.getElementById('live')
const RELOAD_MS = 15000
const AGES_MS = 60000

/**
 * The content of each part that was replaced, as the server sent it. The content in the page may differ, because the
 * user may have opened elements.
 */
const shownBefore = new Map()

function isBusy() {
  return document.activeElement?.closest('[data-part] form, .actions')
}

/** Replaces the parts that have changed. Open elements stay open, and the focus is kept. */
async function update() {
  if (document.hidden || isBusy()) return
  const url = new URL(location.href)
  url.searchParams.delete('done')
  url.searchParams.set('part', '1')
  const response = await fetch(url, { cache: 'no-store' })
  const page = new DOMParser().parseFromString(await response.text(), 'text/html')
  if (!response.ok) throw new Error(page.querySelector('main')?.textContent ?? response.status)
  // The user may have begun to fill in a form during the fetch.
  if (isBusy()) return
  for (const part of document.querySelectorAll('[data-part]')) {
    const next = page.getElementById(part.id)
    if (next && next.innerHTML !== (shownBefore.get(part) ?? part.innerHTML)) replace(part, next)
  }
}

function replace(part, next) {
  const focused = part.contains(document.activeElement) ? pathOf(document.activeElement) : undefined
  const open = new Set([...part.querySelectorAll('details[open]')].map(({ dataset }) => dataset.key))
  shownBefore.set(part, next.innerHTML)
  for (const details of next.querySelectorAll('details')) if (open.has(details.dataset.key)) details.open = true
  part.replaceChildren(...next.childNodes)
  const again =
    focused && [...part.querySelectorAll(focused.selector)].find(({ textContent }) => textContent === focused.text)
  again?.focus()
}

function pathOf({ tagName, textContent }) {
  return { selector: tagName, text: textContent }
}

let isLive = false
function show(text) {
  if (status && status.textContent !== text) status.textContent = text
}

function refresh() {
  return update().then(
    () => show(isLive ? 'Live' : `Reloaded every ${RELOAD_MS / 1000} seconds`),
    () => show('Not up to date: the server cannot be reached, or reports an error'),
  )
}

if (live !== undefined) {
  const source = new EventSource(live)
  source.addEventListener('hello', () => {
    isLive = true
    refresh()
  })
  source.addEventListener('change', refresh)
  source.addEventListener('error', () => {
    isLive = false
    show(`Reloaded every ${RELOAD_MS / 1000} seconds`)
  })
  let last = Date.now()
  setInterval(() => {
    if (isLive && Date.now() - last < AGES_MS) return
    last = Date.now()
    refresh()
  }, RELOAD_MS)
  document.addEventListener('visibilitychange', refresh)
}

// Submits forms with `fetch`, because browsers then send the correct `Origin`. When a browser submits a form itself,
// the referrer policy makes it send `null`.
document.addEventListener('submit', (event) => {
  const form = event.target
  if (form.method !== 'post') return
  event.preventDefault()
  const button = form.querySelector('button')
  button.disabled = true
  fetch(form.action, { method: 'POST', body: new URLSearchParams(new FormData(form)) }).then(
    async (response) => {
      if (response.ok) return location.assign(response.url)
      const page = new DOMParser().parseFromString(await response.text(), 'text/html')
      tell(form, page.querySelector('main p')?.textContent ?? `The server responded ${response.status}`)
    },
    () => tell(form, 'The server cannot be reached'),
  )
})

function tell(form, text) {
  form.querySelector('button').disabled = false
  let problem = form.querySelector('.problem')
  if (!problem) {
    problem = document.createElement('p')
    problem.className = 'problem'
    problem.setAttribute('role', 'alert')
    form.append(problem)
  }
  problem.textContent = text
}
