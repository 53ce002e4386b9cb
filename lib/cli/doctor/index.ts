/** `doctor`: checks an endpoint from outside, as Tradecloud sees it. */
import { JSON_OPTION, type Command } from '../command'
import { credentialsOf } from '../credentials'
import { UsageError } from '../errors'
import { print, ProgressLine } from '../output'
import { printableJson } from '../printable'
import { examine } from './examine'
import { durationOf } from '../values'
import { textOf } from './report'
import { readTarget } from './target'

export const doctor: Command = {
  takes: '<url>',
  summary: 'Checks a webhook from outside, as Tradecloud sees it, and reports problems that lose events.',
  details: `Give the URL that is set in the portal; it may contain {orderId} or {shipmentId}. Run the command on a
machine outside of your network. It sends no event: its requests have the header Tradecloud-Webhook-Probe,
to which the webhook responds with a description of what arrived, if the credentials are valid. Before the
first such response, requests have neither a body nor an ID, so that no other receiver takes them for an
event. Takes about 70 seconds, and uploads 185 MB. Passwords and tokens come from WEBHOOK_PASSWORD and
WEBHOOK_TOKEN, or from a prompt. NODE_EXTRA_CA_CERTS names a file with additional authorities to trust.

Exit code: 0 all is well; 1 something loses events, or will lose them; 2 wrong usage.`,
  options: {
    basic: { type: 'string', value: 'user', help: 'Basic credentials, with the password in WEBHOOK_PASSWORD.' },
    bearer: { type: 'boolean', help: 'A bearer token, from WEBHOOK_TOKEN.' },
    'slow-upload': { type: 'string', value: 'duration', help: 'How long the slow upload takes. Default: 65s.' },
    ...JSON_OPTION,
  },
  run: async ({ values, words }) => {
    const [url, more] = words
    if (url === undefined || more !== undefined) throw new UsageError('doctor takes one URL.')
    const target = readTarget(url)
    const slowUploadMs = durationOf('slow-upload', values['slow-upload'])
    const auth = await credentialsOf(values)
    const progress = new ProgressLine()
    const report = await examine(target, {
      auth,
      slowUploadMs,
      onProgress: (what) => progress.show(`Checking: ${what}`),
    }).finally(() => progress.end())
    await print(values.json === true ? `${printableJson(report)}\n` : textOf(report))
    return report.ok ? 0 : 1
  },
}
