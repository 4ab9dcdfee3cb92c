import Essentials
import Foundation
import HTTPClient

extension ADLSRefusal {
  /// Reads an answer that is not a success. The error code is that of the header, else that of the body.
  init(_ response: ClientResponse, _ body: [UInt8]) {
    status = response.status
    code = Self.plain(response.fields["x-ms-error-code"] ?? Self.code(in: body) ?? "")
    requestID = Self.plain(response.fields["x-ms-request-id"] ?? "")
  }

  /// How the retry policy treats it. Some 4xx are transient: a body that was damaged in transit is sent again, and a
  /// deletion in progress ends.
  func outcome(retryAfter: Duration?) -> RetryPolicy.Outcome {
    switch code {
    case "Md5Mismatch", "Crc64Mismatch", "DestinationPathIsBeingDeleted", "SourcePathIsBeingDeleted",
      "FilesystemBeingDeleted":
      .status(503, retryAfter: retryAfter)
    default: .status(status, retryAfter: retryAfter)
    }
  }

  /// The refusal in the lake's terms.
  func lakeError(_ path: LakePath, _ call: ADLSCall.Operation, at client: ADLSClient) -> LakeError {
    switch (status, code) {
    case (401, _):
      .accessRefused(
        path, operation: call.rawValue,
        reason: "the service does not accept this \(client.credential.kind): \(text). Check that the identity is of "
          + "the account's tenant")
    case (403, _): .accessRefused(path, operation: call.rawValue, reason: forbidden(call, at: client))
    case (404, "FilesystemNotFound"):
      .rootUnavailable(
        client.location.displayURL, reason: "the account has no filesystem \(client.location.filesystem): make it")
    case (404, _): .notFound(path)
    case (409, "PathAlreadyExists"): .alreadyExists(path)
    case (409, "DirectoryNotEmpty"): .folderNotEmpty(path)
    case (409, "PathConflict"), (409, "ResourceTypeMismatch"), (409, "InvalidSourceOrDestinationResourceType"):
      .notAFolder(path)
    case (412, "ConditionNotMet"), (304, _): .conditionNotMet(path)
    default: .io(path, operation: call.rawValue, reason: "the service answers \(text)")
    }
  }

  private func forbidden(_ call: ADLSCall.Operation, at client: ADLSClient) -> String {
    let place = "the filesystem \(client.location.filesystem) of the account \(client.location.account)"
    let role = call.onlyReads ? "Storage Blob Data Reader" : "Storage Blob Data Contributor"
    return switch code {
    case "AuthenticationFailed":
      "the \(client.credential.kind) is not accepted: \(text). Check that it is the account's, is not expired, and that "
        + "this machine's clock is right"
    case "AuthorizationFailure", "InsufficientAccountPermissions", "AccountIsDisabled",
      "KeyBasedAuthenticationNotPermitted":
      "the account does not let this caller in: \(text). Check its network rules, and whether it allows a "
        + client.credential.kind
    default:
      "the caller lacks the permission for it: \(text). Grant the role \(role) on \(place)"
        + (call.onlyReads ? "" : " (Storage Blob Data Reader is enough for restore)")
        + "; a new role acts within 10 minutes"
    }
  }

  /// `{"error":{"code":…}}` of the DFS endpoint, or `<Code>…</Code>` of the blob endpoint.
  private static func code(in body: [UInt8]) -> String? {
    if let value = try? JSONValue(parsing: body) { return value.object?["error"]?.object?["code"]?.string }
    let text = String(decoding: body.prefix(4096), as: UTF8.self)
    guard let start = text.range(of: "<Code>"), let end = text.range(of: "</Code>"),
      start.upperBound <= end.lowerBound
    else { return nil }
    return String(text[start.upperBound..<end.lowerBound])
  }

  /// Text of the service, reduced to the characters of a code or an id.
  private static func plain(_ text: String) -> String {
    String(text.prefix(100).filter { $0.isASCII && ($0.isLetter || $0.isNumber || $0 == "-" || $0 == "_") })
  }
}
