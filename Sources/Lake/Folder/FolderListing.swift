import Glibc
import Synchronization

/// One page of a listing, found by walking the folders; blocks.
///
/// The system gives a folder's names in no order, so the smallest ones after the last name given are picked out anew
/// for each page. That costs reading a folder once for each page, and holds no more than two pages of names in memory.
struct FolderListing {
  let root: FolderRoot
  let recursive: Bool
  let pageSize: Int
  /// Called for each symbolic link.
  let onStrayLink: (LakePath) -> Void
  private var entries: [LakeEntry] = []

  init(root: FolderRoot, recursive: Bool, pageSize: Int, onStrayLink: @escaping (LakePath) -> Void) {
    self.root = root
    self.recursive = recursive
    self.pageSize = pageSize
    self.onStrayLink = onStrayLink
  }

  /// The entries of `folder` (nil: the root) that stand after `last` in the listing's order.
  mutating func page(of folder: LakePath?, after last: LakePath?) throws(LakeError) -> LakePage {
    let start: FileDescriptor?
    do {
      start = try root.folder(folder)
    } catch .notAFolder {
      return LakePage(entries: [], continuation: nil)
    }
    guard let start else { return LakePage(entries: [], continuation: nil) }
    entries = []
    let below = (last?.components ?? []).dropFirst(last == nil ? 0 : folder?.components.count ?? 0)
    let isComplete = try collect(start, path: folder, after: below)
    return LakePage(entries: entries, continuation: isComplete ? nil : entries.last?.path.description)
  }

  /// False when the page was full before the folder's end.
  private mutating func collect(
    _ folder: FileDescriptor, path: LakePath?, after names: ArraySlice<String>
  ) throws(LakeError) -> Bool {
    // First the rest of the folder that the last page ended in.
    if let name = names.first, recursive {
      guard try descend(to: name, in: folder, path: path, after: names.dropFirst()) else { return false }
    }
    var last = names.first
    while true {
      let batch = try FolderNames(folder, of: path, rootPath: root.path).smallest(pageSize, after: last)
      for name in batch {
        guard let child = try? path?.appending(name) ?? LakePath(components: [name]) else { continue }
        guard let status = try status(of: name, in: folder, path: child) else { continue }
        guard entries.count < pageSize else { return false }
        entries.append(status.entry(at: child))
        if recursive && status.isFolder {
          guard try descend(to: name, in: folder, path: path, after: []) else { return false }
        }
      }
      guard batch.count == pageSize else { return true }
      last = batch.last
    }
  }

  private mutating func descend(
    to name: String, in folder: FileDescriptor, path: LakePath?, after names: ArraySlice<String>
  ) throws(LakeError) -> Bool {
    guard let child = try? path?.appending(name) ?? LakePath(components: [name]) else { return true }
    let opened: FileDescriptor
    do throws(SystemError) {
      opened = try FileDescriptor.open(name, in: folder, flags: O_RDONLY | O_DIRECTORY | O_NOFOLLOW)
    } catch {
      // Removed meanwhile, a file, or a link.
      if [ENOENT, ENOTDIR, ELOOP].contains(error.number) { return true }
      throw error.lakeError(child, operation: "listing")
    }
    return try collect(opened, path: child, after: names)
  }

  /// Nil for what was removed meanwhile, and for links, sockets, pipes and devices, which no lake holds.
  private func status(of name: String, in folder: FileDescriptor, path: LakePath) throws(LakeError) -> stat? {
    let status: stat?
    do throws(SystemError) {
      status = try folder.status(of: name)
    } catch {
      throw error.lakeError(path, operation: "reading the properties")
    }
    guard let status else { return nil }
    // A link is not followed, since it could lead out of the lake. Leaving it out can make an archive seem missing; an
    // error here would make every other archive unreachable.
    if status.isLink { onStrayLink(path) }
    return status.isFile || status.isFolder ? status : nil
  }
}

/// Reports each symbolic link once, however often a listing meets it.
final class StrayLinks: Sendable {
  /// Links that are remembered; further ones are not reported.
  static let maximum = 1000

  private let told = Mutex<Set<LakePath>>([])
  private let tell: @Sendable (LakePath) -> Void

  init(_ tell: @escaping @Sendable (LakePath) -> Void) {
    self.tell = tell
  }

  func met(_ path: LakePath) {
    let isNew = told.withLock { $0.count < Self.maximum && $0.insert(path).inserted }
    if isNew { tell(path) }
  }
}
