import CSSL
import Foundation

/// A JWT by which a client proves that it has its certificate's key ("Microsoft identity platform application
/// authentication certificate credentials").
struct ClientAssertion {
  /// What it turned out to be.
  enum Verdict: Equatable {
    case good, malformed, stranger, outsideTime, wrongAudience, badSignature
  }

  private let text: String

  init(_ text: String) {
    self.text = text
  }

  /// - Parameter certificateFile: the certificate that is registered; nil when none is.
  func verdict(clientID: String, certificateFile: String?, endpoint: String, now: Date) -> Verdict {
    let parts = text.split(separator: ".", omittingEmptySubsequences: false)
    guard parts.count == 3, let header = Base64URL.object(parts[0]), let claims = Base64URL.object(parts[1]),
      let signature = Base64URL.decode(parts[2]), let issuer = claims["iss"] as? String
    else { return .malformed }
    guard issuer.lowercased() == clientID.lowercased(), (claims["sub"] as? String)?.lowercased() == issuer.lowercased()
    else { return .stranger }
    guard let certificateFile, let certificate = Certificate(file: certificateFile), certificate.isNamed(in: header),
      let algorithm = (header["alg"] as? String).flatMap(Certificate.Algorithm.init),
      certificate.verifies(signature, of: "\(parts[0]).\(parts[1])", algorithm)
    else { return .badSignature }
    guard claims["aud"] as? String == endpoint else { return .wrongAudience }
    // Five minutes of skew, as the service grants.
    guard let end = claims["exp"] as? Double, now.timeIntervalSince1970 < end + 300,
      (claims["nbf"] as? Double ?? 0) <= now.timeIntervalSince1970 + 300
    else { return .outsideTime }
    return .good
  }
}
