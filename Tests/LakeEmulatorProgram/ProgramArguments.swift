import Foundation
import LakeEmulator

/// The program's command line.
struct ProgramArguments {
  static let help = """
    usage: lake-emulator [options]
      --port N                    listen on 127.0.0.1:N (default: any free port)
      --account NAME              the storage account (sluicetest)
      --key BASE64                its key (random)
      --filesystem NAME           make this filesystem; may be repeated
      --folder DIRECTORY          the disk for the bytes (the temporary folder)
      --tls-cert FILE             speak TLS with this PEM certificate ...
      --tls-key FILE              ... and this PEM key
      --tenant ID                 the tenant (random)
      --client-id ID              the application and managed identity (random)
      --client-secret TEXT        the application's secret (random)
      --object-id ID              the identity's object id (random)
      --resource-id ID            the identity's ARM id
      --identity-header TEXT      what App Service's endpoint asks for (random)
      --client-cert FILE          PEM certificate that may sign client assertions
      --federated-token-file FILE its content is a good client assertion
      --token-lifetime SECONDS    of new tokens (86400)
      --deny OPERATION[,...]      403 AuthorizationPermissionMismatch for these
      --keeps-deleted             soft delete is on: deletions answer with an id
      --flat-namespace            filesystems tell that there is no hierarchical namespace
      --faults FILE               JSON list of faults, as for PUT /_emulator/faults
      --seed N                    for faults with a rate (1)
      --with-stdin                end when standard input ends
    On start one line of JSON tells port, origin, account, key and identities.
    """

  private(set) var options = EmulatorOptions()
  private(set) var endsWithInput = false
  private(set) var wantsHelp = false

  /// - Throws: ``EmulatorError`` that names the option.
  init(_ arguments: [String]) throws(EmulatorError) {
    var rest = arguments[...]
    while let option = rest.popFirst() {
      switch option {
      case "--help": wantsHelp = true
      case "--with-stdin": endsWithInput = true
      case "--keeps-deleted": options.keepsDeleted = true
      case "--flat-namespace": options.tellsFlatNamespace = true
      default: try set(option, &rest)
      }
    }
  }

  private mutating func set(_ option: String, _ rest: inout ArraySlice<String>) throws(EmulatorError) {
    func value() throws(EmulatorError) -> String {
      guard let value = rest.popFirst() else { throw EmulatorError("\(option) needs a value.") }
      return value
    }
    func number<Number: LosslessStringConvertible>(_: Number.Type) throws(EmulatorError) -> Number {
      let text = try value()
      guard let number = Number(text) else { throw EmulatorError("\(option) \(text): a number is expected.") }
      return number
    }
    switch option {
    case "--port": options.port = try number(Int.self)
    case "--account": options.account = try value()
    case "--key": options.key = try value()
    case "--filesystem": options.filesystems.append(try value())
    case "--folder": options.folder = try value()
    case "--tls-cert": options.tlsCertificate = try value()
    case "--tls-key": options.tlsKey = try value()
    case "--tenant": options.tenant = try value()
    case "--client-id": options.clientID = try value()
    case "--client-secret": options.clientSecret = try value()
    case "--object-id": options.objectID = try value()
    case "--resource-id": options.resourceID = try value()
    case "--identity-header": options.identityHeader = try value()
    case "--client-cert": options.clientCertificate = try value()
    case "--federated-token-file": options.federatedTokenFile = try value()
    case "--token-lifetime": options.tokenLifetime = try number(Double.self)
    case "--seed": options.seed = try number(UInt64.self)
    case "--deny":
      for name in try value().split(separator: ",") {
        guard let operation = EmulatorOperation(rawValue: String(name)) else {
          let known = EmulatorOperation.allCases.map(\.rawValue).joined(separator: ", ")
          throw EmulatorError("--deny \(name): one of \(known) is expected.")
        }
        options.denied.insert(operation)
      }
    case "--faults":
      let file = try value()
      guard let json = FileManager.default.contents(atPath: file) else {
        throw EmulatorError("--faults \(file) cannot be read.")
      }
      options.faults = try Fault.list(json: json)
    default: throw EmulatorError("\(option) is not an option; see --help.")
    }
  }
}
