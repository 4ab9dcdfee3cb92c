/// What a cached token is for: never are two audiences or two identities mixed.
struct TokenKey: Sendable, Hashable {
  let identity: CredentialIdentity
  let scope: TokenScope
}
