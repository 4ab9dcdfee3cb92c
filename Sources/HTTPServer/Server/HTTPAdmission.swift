/// What is decided of a request when its head is whole and nothing of its body has been read.
public enum HTTPAdmission: Sendable {
  /// The caller has shown who it is: its body may be as large as the server's limit.
  case trusted
  /// Anyone may ask this: the body is limited to `HTTPServerConfiguration.maximumAnonymousBody`, and what it takes counts
  /// towards `maximumUntrustedBytes`.
  case anonymous
  /// It is answered at once, with a body of bytes. A body of the request is not read, and the connection closes.
  case refused(HTTPResponse)
}
