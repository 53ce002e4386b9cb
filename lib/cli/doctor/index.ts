/** `doctor`: checks an endpoint from outside, as Tradecloud sees it. */
import { JSON_OPTION, type Command } from '../command'
import { credentialsOf } from '../credentials'
import { UsageError } from '../errors'
import { print, Progress } from '../output'
import { printableJson } from '../printable'
import { examine } from './examine'
import { durationOf } from '../values'
import { textOf } from './report'
import { readTarget } from './target'

export const doctor: Command = {
  takes: '<url>',
  summary: 'Examines a webhook from outside, as Tradecloud sees it: finds what loses events on their way.',
  details: `Give the URL of the portal, also with {orderId} or {shipmentId}. Run it on a machine outside of your network.
It sends no event: its requests carry the header Tradecloud-Webhook-Probe, which the webhook answers with
what arrived, if the credentials are valid. Until it has done so, requests have neither a body nor an ID, so
that nothing can be booked by whatever else answers. Takes about 70 seconds, and uploads 185 MB.
Passwords and tokens come from WEBHOOK_PASSWORD and WEBHOOK_TOKEN, or from a prompt. NODE_EXTRA_CA_CERTS
names a file with authorities to trust besides.

Exit code: 0 all is well; 1 something loses events or will; 2 wrong usage.`,
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
    const progress = new Progress()
    const report = await examine(target, {
      auth,
      slowUploadMs,
      onProgress: (what) => progress.show(`Checking: ${what}`),
    }).finally(() => progress.end())
    await print(values.json === true ? `${printableJson(report)}\n` : textOf(report))
    return report.ok ? 0 : 1
  },
}
