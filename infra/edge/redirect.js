// The redirect at the edge: answers a plain visit of a published link, and sends on to the links
// API, untouched, whatever it does not know or must not decide. So the worst that can happen here
// is a slower redirect.
//
// It runs in cloudfront-js-2.0: at most 10 KB and a millisecond, only what that runtime documents
// (no for-of, spread, destructuring, default arguments, optional chaining or async closures).
//
// What is published of a link (linkage/edge_links.py writes it), under its code:
//   a address, without query and fragment     q its query, may be ''     h its fragment with '#'
//   n key id   k signing key of this link     i program.vendor.affiliate
//   s sub-ids {"sub1": …}                     f open from, u until: RFC 3339 UTC, may be missing
import crypto from 'crypto';
import cf from 'cloudfront';

const CODE = /^\/[2-9A-HJKMNP-Za-km-z]{8,32}$/;
const OWN = /^(click_id|sub[1-5]|no-track|consent|qr)$/;
const SUB_NAMES = ['sub1', 'sub2', 'sub3', 'sub4', 'sub5'];
const PAIR = /^([A-Za-z0-9\-._~:\/?\[\]@!$'()*+,=]|%[0-9A-Fa-f]{2})+$/;
const CONTROL = /%([01][0-9A-Fa-f]|7[Ff])/;
// What can be judged here to be printable; the links API judges every other character.
const PLAIN = /^[ -~\u00a1-\u00ac\u00ae-\u024f]*$/;
const EARLY = /prefetch|prerender|preview/i;
// Alone or in a list: a header that is sent twice reaches the links API as one.
const ONE = /(^|,)[^!-~]*1[^!-~]*(,|$)/;
// What refuses nothing, whoever reads it: a word that is not `no`.
const CONSENT = /^(?![Nn][Oo]$)[A-Za-z0-9_-]*$/;
// What browsers make of a query. How CloudFront hands over any other byte is not documented.
const ENCODED = /^[!-~]*$/;
const LONGEST_URL = 2048;
const LONGEST_SUB = 255;
const LONGEST_TOKEN = 512;
// More would not fit into the millisecond, and then CloudFront answers with an error.
const MOST_PAIRS = 50;

async function handler(event) {
  const request = event.request;
  try {
    if (!CODE.test(request.uri)) {
      return request;
    }
    const link = await cf.kvs().get(request.uri.slice(1), { format: 'json' });
    return answerTo(event, link) || request;
  } catch (error) {
    // The key is not there, or anything else: a visitor must arrive all the same.
    return request;
  }
}

// The redirect, or null where the links API must answer.
function answerTo(event, link) {
  const request = event.request;
  const now = Date.now();
  const at = new Date(now).toISOString();
  if ((link.f && at < link.f) || (link.u && link.u <= at)) {
    return null;
  }
  const asked = request.rawQueryString() || '';
  if (asked.length > LONGEST_URL || !ENCODED.test(asked)) {
    return null;
  }
  const pairs = pairsOf(asked);
  if (pairs.length > MOST_PAIRS || isMarked(request.headers, pairs)) {
    return null;
  }
  if (request.method !== 'GET' && request.method !== 'HEAD') {
    return null;
  }
  const query = passedOn(link, pairs);
  if (request.method === 'GET' && !isUntracked(pairs)) {
    const token = tokenOf(event, link, pairs, now);
    if (token === null) {
      return null;
    }
    query.push('click_id=' + token);
  }
  return found(link.a + (query.length ? '?' + query.join('&') : '') + link.h);
}

function found(location) {
  return {
    statusCode: 302,
    statusDescription: 'Found',
    headers: {
      location: { value: location },
      'cache-control': { value: 'private, no-store' },
      'referrer-policy': { value: 'strict-origin-when-cross-origin' },
      'x-robots-tag': { value: 'noindex' },
      'strict-transport-security': { value: 'max-age=31536000' },
      'x-content-type-options': { value: 'nosniff' },
    },
  };
}

// Whether the click is to be stored without its visitor, or as one that nobody made: the log of
// the edge could not tell it from another. In doubt it is: languages disagree about what is blank.
function isMarked(headers, pairs) {
  return (
    ['sec-gpc', 'dnt'].some((name) => headerIs(headers, name, ONE)) ||
    pairs.some((pair) => /^consent$/i.test(pair.name) && !CONSENT.test(pair.value)) ||
    ['sec-purpose', 'purpose', 'x-purpose', 'x-moz'].some((name) => headerIs(headers, name, EARLY))
  );
}

// Whether one of the values of a header is like this: a header that is sent twice has several.
function headerIs(headers, name, like) {
  const header = headers[name];
  const values = header ? header.multiValue || [header] : [];
  return values.some((each) => like.test(each.value));
}

function isUntracked(pairs) {
  return pairs.some(
    (pair) => pair.name === 'no-track' && !/^(0|false)$/i.test(decoded(pair.value)),
  );
}

// The pairs of the destination's query: its own, then those of the request that may go along.
function passedOn(link, pairs) {
  const query = link.q === '' ? [] : link.q.split('&');
  const names = pairsOf(link.q.replace(/;/g, '&')).map((pair) => read(pair.name));
  let length = link.a.length + link.h.length + (link.q === '' ? 0 : link.q.length + 1);
  pairs.forEach((pair) => {
    const text = pair.text;
    const fits = length + 1 + text.length <= LONGEST_URL;
    const name = read(pair.name);
    const known = OWN.test(name.toLowerCase()) || names.indexOf(name) >= 0;
    if (fits && !known && isClear(pair.name) && PAIR.test(text) && !CONTROL.test(text)) {
      query.push(text);
      length += 1 + text.length;
    }
  });
  return query;
}

// The signed click id (linkage/click_tokens.py reads it), or null where it would be too long or
// has a sub-id that cannot be judged here.
function tokenOf(event, link, pairs, now) {
  const sub = Object.assign({}, link.s);
  for (let at = 0; at < pairs.length; at++) {
    const name = pairs[at].name;
    if (SUB_NAMES.indexOf(name) >= 0) {
      const value = decodeURIComponent(pairs[at].value.replace(/\+/g, ' '));
      if (!PLAIN.test(value)) {
        return null;
      }
      if (value !== '' && value.length <= LONGEST_SUB) {
        sub[name] = value;
      }
    }
  }
  const nonce = crypto.createHash('sha256').update(event.context.requestId).digest('base64url');
  const code = event.request.uri.slice(1);
  const parts = ['clt_1', link.n, code, link.i, now.toString(36), nonce.slice(0, 16)];
  SUB_NAMES.forEach((name) => {
    if (sub[name] !== undefined) {
      parts.push(name.slice(3) + tilded(sub[name]));
    }
  });
  const body = parts.join('.');
  const signature = crypto.createHmac('sha256', link.k).update(body).digest('base64url');
  const token = body + '.' + signature.slice(0, 22);
  return token.length <= LONGEST_TOKEN ? token : null;
}

// UTF-8 with ~ in the place of %, so that nothing on the way decodes it, and without dots.
function tilded(text) {
  return encodeURIComponent(text)
    .replace(/[!~*'().]/g, (c) => '%' + c.charCodeAt(0).toString(16).toUpperCase())
    .replace(/%/g, '~');
}

// The pairs of a query that are not empty, each as it was sent, with its name decoded.
function pairsOf(query) {
  return query
    .split('&')
    .filter((text) => text !== '')
    .map((text) => {
      const at = (text + '=').indexOf('=');
      return { text: text, name: decoded(text.slice(0, at)), value: text.slice(at + 1) };
    });
}

// Servers disagree about what is named with a semicolon, or with a bracket that does not close.
function isClear(name) {
  return name.indexOf(';') < 0 && name.lastIndexOf('[') <= name.lastIndexOf(']');
}

// The name that a lenient server makes of one: of ' a.b[]' and of 'a b', say, 'a_b'.
function read(name) {
  if (/^[A-Za-z0-9_-]*$/.test(name)) {
    return name;
  }
  const before = name.replace(/^[ \u00a0[\]]+/, '').split(/[[\]]/)[0];
  let end = before.length; // trim() takes more than these two away, and a pattern more time
  while (end > 0 && ' \u00a0'.indexOf(before[end - 1]) >= 0) {
    end--;
  }
  return before.slice(0, end).replace(/[ .]/g, '_');
}

// Byte by byte, so that names can be compared whatever they are.
function decoded(text) {
  return text
    .replace(/\+/g, ' ')
    .replace(/%([0-9A-Fa-f]{2})/g, (all, hex) => String.fromCharCode(parseInt(hex, 16)));
}
