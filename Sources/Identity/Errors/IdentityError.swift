/// Why there is no token, and what to do about it. No text holds a token, a secret or an assertion.
package struct IdentityError: Error, Sendable, Equatable {
  /// The sort of failure; stable, for machines.
  package enum Code: String, Sendable {
    /// The member is not set up on this machine: a chain goes on to the next.
    case unavailable
    /// A setting has not the form it must have.
    case badSetting = "bad_setting"
    /// The scope is not `<resource>/.default`.
    case invalidScope = "invalid_scope"
    /// The service answered and gave no token.
    case refused = "sign_in_refused"
    /// No answer came, or the service was not able to give one, also after retries.
    case unreachable = "sign_in_unreachable"
    /// The service's answer holds no usable token.
    case malformedAnswer = "malformed_answer"
    /// No member of the chain is available.
    case noCredential = "no_credential"
  }

  /// One member of a chain that did not serve.
  package struct Attempt: Sendable, Equatable {
    /// The member, such as `ManagedIdentityCredential`.
    package let member: String
    /// Why it did not serve, and what would make it.
    package let reason: String

    package init(member: String, reason: String) {
      self.member = member
      self.reason = reason
    }
  }

  /// The sort of failure.
  package var code: Code
  /// The credential that failed; nil when it is none's failure.
  package var member: String?
  package var message: String
  package var remedy: String?
  /// The number after `AADSTS` where the service gave one.
  package var serviceCode: Int?
  /// The members tried, in order; only with ``Code/noCredential``.
  package var attempts: [Attempt]

  package init(
    _ code: Code, member: String? = nil, _ message: String, remedy: String? = nil, serviceCode: Int? = nil,
    attempts: [Attempt] = []
  ) {
    self.code = code
    self.member = member
    self.message = message
    self.remedy = remedy
    self.serviceCode = serviceCode
    self.attempts = attempts
  }

  /// What failed and what to do, without the member's name.
  var reason: String {
    guard let remedy else { return message }
    return "\(message). \(remedy)"
  }
}

extension IdentityError: CustomStringConvertible {
  /// One line for an operator: the member, what failed, the members tried in order, and what to do.
  package var description: String {
    var text = member.map { "\($0): " } ?? ""
    text += message
    if !attempts.isEmpty {
      text += ": " + attempts.enumerated().map { "(\($0 + 1)) \($1.member): \($1.reason)" }.joined(separator: "; ")
    }
    if let remedy { text += ". \(remedy)" }
    return text
  }
}
