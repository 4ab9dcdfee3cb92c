import Foundation

/// What all connections share.
final class EmulatorCore: Sendable {
  let options: EmulatorOptions
  let storage: LakeStorage
  let issuer: TokenIssuer
  let faults: FaultPlan
  let journal = Journal()
  let connections = OpenConnections()
  let tls: TLSContext?

  init(_ options: EmulatorOptions, tls: TLSContext?) {
    self.options = options
    self.tls = tls
    storage = LakeStorage(folder: options.folder ?? FileManager.default.temporaryDirectory.path)
    issuer = TokenIssuer(options)
    faults = FaultPlan(seed: options.seed)
    faults.set(options.faults)
  }

  var authorizer: Authorizer {
    Authorizer(options: options, issuer: issuer, journal: journal, isTLS: tls != nil)
  }

  /// Answers a request that no fault keeps from being answered.
  /// - Throws: ``ServiceError``, ``ConnectionLoss``.
  func answer(
    _ head: RequestHead, _ route: Route, _ operation: EmulatorOperation, _ body: RequestBody, fault: Fault?
  ) throws -> Answer {
    let endpoint = TokenEndpoint(options: options, issuer: issuer)
    let origin = "\(tls == nil ? "http" : "https")://\(head["host"] ?? "127.0.0.1")"
    switch route {
    case .control(let name): return try Control(core: self).answer(head, name, body)
    case .appService: return endpoint.appService(head)
    case .imds: return endpoint.imds(head)
    case .login(let tenant):
      guard head.method == "POST" else { return Answer(405) }
      let form = try RequestQuery(String(decoding: body.collect(), as: UTF8.self))
      return endpoint.login(tenant: tenant, form: form, endpoint: "\(origin)\(head.rawPath)")
    case .openIDConfiguration(let tenant): return endpoint.openIDConfiguration(tenant: tenant, origin: origin)
    case .instances: return endpoint.instances(origin: origin)
    case .unknown:
      throw ServiceError(
        404, "ResourceNotFound", "The first segment of the path is neither the account nor a token endpoint.")
    case .storage(let filesystem, let path):
      if ["PUT", "PATCH", "POST"].contains(head.method), try head.contentLength() == nil {
        throw ServiceError(411, "MissingContentLengthHeader", "Content-Length HTTP header is missing.")
      }
      let call = Call(
        head: head, filesystem: filesystem, path: path, body: body, isBlob: Self.isBlob(head), fault: fault)
      try authorizer.check(call, operation)
      return try LakeService(storage: storage, journal: journal, options: options).answer(call)
    }
  }

  /// Both endpoints lie at one address here, so the call itself must tell: by its host, its parameters, or the
  /// kind of answer it takes: the vendor's library asks the blob endpoint for XML.
  static func isBlob(_ head: RequestHead) -> Bool {
    head["host"]?.contains(".blob.") == true || head.query["restype"] != nil || head.query["comp"] != nil
      || head["accept"] == "application/xml"
  }
}
