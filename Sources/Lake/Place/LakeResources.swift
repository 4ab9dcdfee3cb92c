package import HTTPClient
package import Identity
import Synchronization

/// What a lake needs of the program. Each thing is made when the first lake asks for it: a folder must not fail for a
/// setting of Azure's.
package struct LakeResources: Sendable {
  /// What the operator has set.
  package let options: LakeOptions
  /// Whether the environment tells of an identity to ask tokens for.
  package let hasIdentity: Bool
  /// Told of what an operator may want to know.
  package let onEvent: @Sendable (LakeEvent) -> Void

  private let makeTransport: @Sendable () throws -> any HTTPTransport
  private let makeTokens: @Sendable () throws -> any TokenSource

  /// - Parameters:
  ///   - transport: makes what sends requests and trusts ``LakeOptions/rootsFile``; called once.
  ///   - tokens: the program's one source of tokens; called for each lake that is asked with one.
  package init(
    options: LakeOptions = LakeOptions(), hasIdentity: Bool = false,
    transport: @escaping @Sendable (_ rootsFile: String?) throws -> any HTTPTransport,
    tokens: @escaping @Sendable () throws -> any TokenSource,
    onEvent: @escaping @Sendable (LakeEvent) -> Void = { _ in }
  ) {
    self.options = options
    self.hasIdentity = hasIdentity
    self.onEvent = onEvent
    let once = Once<any HTTPTransport>()
    let rootsFile = options.rootsFile
    makeTransport = { try once.get { try transport(rootsFile) } }
    makeTokens = tokens
  }

  /// What sends requests, the same for all lakes.
  func transport() throws -> any HTTPTransport { try makeTransport() }

  /// What gives tokens.
  func tokens() throws -> any TokenSource { try makeTokens() }
}

/// A value that is made when it is first wanted. A failure is not kept.
private final class Once<Value: Sendable>: Sendable {
  private let value = Mutex<Value?>(nil)

  func get(_ make: () throws -> Value) throws -> Value {
    try value.withLock { value in
      if let value { return value }
      let made = try make()
      value = made
      return made
    }
  }
}
