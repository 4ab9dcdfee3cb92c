import Essentials
import Foundation

/// Finds the shared libraries that a program needs.
enum SharedLibraries {
  /// Parts of the C library. They are not packaged, since they must match the machine's loader.
  private static let systemNames = [
    "linux-vdso.so", "ld-linux", "libc.so", "libm.so", "libdl.so", "libpthread.so", "librt.so", "libresolv.so",
    "libutil.so", "libanl.so", "libnsl.so", "libnss_",
  ]

  /// The paths of all libraries of `program` except the C library's, as `ldd` lists them.
  /// - Throws: ``UsageError`` when one is missing; the error of `Process` when there is no `ldd`.
  static func of(_ program: String) throws -> [String] {
    let process = Process()
    process.executableURL = URL(filePath: "/usr/bin/ldd")
    process.arguments = [program]
    let output = Pipe()
    process.standardOutput = output
    try process.run()
    let text = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
    process.waitUntilExit()
    return try text.split(separator: "\n").compactMap { line in
      let parts = line.split(separator: " => ", maxSplits: 1)
      guard parts.count == 2 else { return nil }
      let name = parts[0].trimmingSpaceAndTab()
      guard !systemNames.contains(where: { name.hasPrefix($0) }) else { return nil }
      guard let path = parts[1].split(separator: " ").first, path.hasPrefix("/") else {
        throw UsageError(
          "the library \(name) is not on this machine; run `sluice package` on a machine where the program runs")
      }
      return String(path)
    }
  }
}
