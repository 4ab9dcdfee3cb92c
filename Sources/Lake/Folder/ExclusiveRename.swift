import Glibc

/// renameat2(2) with RENAME_NOREPLACE: a rename that fails with EEXIST where the new name is taken.
enum ExclusiveRename {
  private typealias Function =
    @convention(c) @Sendable (CInt, UnsafePointer<CChar>, CInt, UnsafePointer<CChar>, CUnsignedInt) -> CInt

  private static let noReplace: CUnsignedInt = 1  // linux/fs.h

  /// The C library's function by its name: its header shows it only to GNU sources, which Swift's import is not.
  private static let function: Function? = dlsym(nil, "renameat2").map { unsafeBitCast($0, to: Function.self) }

  /// 0, or -1 with the reason in `errno`; ENOSYS where the C library has no such function.
  @Sendable static func perform(
    _ sourceFolder: CInt, _ source: String, _ destinationFolder: CInt, _ destination: String
  ) -> CInt {
    guard let function else {
      errno = ENOSYS
      return -1
    }
    return function(sourceFolder, source, destinationFolder, destination, noReplace)
  }
}
