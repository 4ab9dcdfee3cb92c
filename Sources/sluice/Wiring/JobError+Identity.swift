import Identity
import Sluice

extension JobError {
  /// What a caller is told when there is no token.
  init(identity error: IdentityError) {
    let (kind, code): (Kind, String) =
      switch error.code {
      case .badSetting: (.invalid, "bad_setting")
      case .invalidScope: (.invalid, "invalid_scope")
      case .unavailable, .noCredential: (.unavailable, "no_credential")
      case .refused, .unreachable, .malformedAnswer: (.unavailable, error.code.rawValue)
      }
    self.init(kind, code: code, "\(error)")
  }
}
