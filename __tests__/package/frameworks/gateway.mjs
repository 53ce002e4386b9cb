// Simulates AWS in front of lambda.js: converts each request to an event. `node gateway.mjs 1.0`: events of a REST API;
// `node gateway.mjs 2.0`: events of a function URL. Paths stay percent-encoded in both.
import { createServer } from 'node:http'
import { handler } from './lambda.js'

const [, , version] = process.argv

function eventOf({ method, url, headers }, body) {
  const { pathname, search, searchParams } = new URL(url, 'http://localhost')
  const payload = { headers, body: body.toString('base64'), isBase64Encoded: true }
  const sourceIp = '192.0.2.1'
  if (version === '2.0') {
    const requestContext = { http: { method, path: pathname, sourceIp }, requestId: '1' }
    return { version, rawPath: pathname, rawQueryString: search.slice(1), requestContext, ...payload }
  }
  const requestContext = { identity: { sourceIp }, requestId: '1' }
  const queryStringParameters = Object.fromEntries(searchParams)
  return { version, httpMethod: method, path: pathname, queryStringParameters, requestContext, ...payload }
}

const server = createServer(async (req, res) => {
  // API Gateway does not pass these headers on: a chunked body arrives without a length.
  const { 'transfer-encoding': _, connection, ...headers } = req.headers
  const body = Buffer.concat(await req.toArray())
  const response = await handler(eventOf({ method: req.method, url: req.url, headers }, body), {})
  const text = Buffer.from(response.body, response.isBase64Encoded ? 'base64' : 'utf8')
  res.writeHead(response.statusCode, { ...response.headers, connection: 'close' }).end(text)
})
server.listen(Number(process.env.PORT))
process.once('SIGTERM', () => server.close())
