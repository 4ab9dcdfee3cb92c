import Identity
package import Reporting

extension IdentityError: JobErrorConvertible {
  package var jobError: JobError {
    let code: JobErrorCode =
      switch code {
      case .badSetting: .badSetting
      case .invalidScope: .invalidScope
      case .unavailable, .noCredential: .noCredential
      case .refused: .signInRefused
      case .unreachable: .signInUnreachable
      case .malformedAnswer: .malformedAnswer
      }
    return JobError(code, ErrorText("\(self)"))
  }
}
