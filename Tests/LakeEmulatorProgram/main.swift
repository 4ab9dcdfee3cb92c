import Foundation
import Glibc
import LakeEmulator

do {
  let arguments = try ProgramArguments(Array(CommandLine.arguments.dropFirst()))
  if arguments.wantsHelp {
    print(ProgramArguments.help)
    exit(0)
  }
  let emulator = try Emulator(arguments.options)
  let options = emulator.options
  let facts: [String: Any] = [
    "port": emulator.port, "origin": emulator.origin, "account": options.account, "key": options.key,
    "tenant": options.tenant, "client_id": options.clientID, "client_secret": options.clientSecret,
    "object_id": options.objectID, "resource_id": options.resourceID, "identity_header": options.identityHeader,
  ]
  let line = try JSONSerialization.data(withJSONObject: facts, options: [.sortedKeys, .withoutEscapingSlashes])
  FileHandle.standardOutput.write(line + Data("\n".utf8))
  if arguments.endsWithInput {
    while readLine() != nil {}
    exit(0)
  }
  while true { pause() }
} catch {
  FileHandle.standardError.write(Data("lake-emulator: \(error)\n".utf8))
  exit(error is EmulatorError ? 2 : 1)
}
