/** Which hosts the client may speak to without TLS: the same as everywhere. */
export { isLoopback } from '../loopback'
