// A certified OpenID provider on loopback, for the tests of sign-in. What it is comes as JSON on standard input:
// {port, jwks, clients: [{id, redirect}], audience, algorithm}. It says "ready" on standard output.
import { createServer } from 'node:http';
import Provider from 'oidc-provider';

let text = '';
for await (const piece of process.stdin) text += piece;
const wish = JSON.parse(text);

const claims = (id) => ({
  sub: id,
  email: `${id}@acme.example`,
  email_verified: !id.startsWith('unverified'),
  preferred_username: id.replace(/^sub-/, ''),
});

const provider = new Provider(`http://127.0.0.1:${wish.port}`, {
  jwks: wish.jwks,
  clients: wish.clients.map(({ id, redirect }) => ({
    client_id: id,
    redirect_uris: [redirect],
    grant_types: ['authorization_code'],
    response_types: ['code'],
    token_endpoint_auth_method: 'none',
    application_type: 'native',
    id_token_signed_response_alg: wish.algorithm,
  })),
  claims: { openid: ['sub'], email: ['email', 'email_verified'], profile: ['preferred_username'] },
  conformIdTokenClaims: false,
  cookies: { keys: ['only for tests'] },
  findAccount: (_, id) => ({ accountId: id, claims: () => claims(id) }),
  extraTokenClaims: (_, token) => ({ ...claims(token.accountId), groups: ['everybody', `team-${token.accountId}`] }),
  features: {
    devInteractions: { enabled: true },
    resourceIndicators: {
      enabled: true,
      useGrantedResource: () => true,
      getResourceServerInfo: (_, audience) => ({
        audience,
        scope: 'openid email profile practice',
        accessTokenFormat: 'jwt',
        accessTokenTTL: 600,
        jwt: { sign: { alg: wish.algorithm } },
      }),
    },
  },
  ttl: { AccessToken: 600, AuthorizationCode: 60, Grant: 600, IdToken: 600, Interaction: 600, Session: 600 },
});

createServer(provider.callback()).listen(wish.port, '127.0.0.1', () => console.log('ready'));
