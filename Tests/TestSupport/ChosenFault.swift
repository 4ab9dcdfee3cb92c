import Foundation

/// Whether a test that goes through the lake's faults takes this one: where the variable `FAULT` is set, those alone whose
/// name holds it. An underscore stands for a space, since some names are the emulator's and some are sentences.
public func isChosenFault(_ name: String) -> Bool {
  guard let fault = ProcessInfo.processInfo.environment["FAULT"] else { return true }
  return name.replacing("_", with: " ").contains(fault.replacing("_", with: " "))
}
