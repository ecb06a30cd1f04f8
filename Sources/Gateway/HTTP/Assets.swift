import Foundation
import NIOCore

/// The files of Swagger UI, for `/docs`. They are not ours and not in the repository: `make` fetches them, beside the executable or up to two
/// directories above it, and the service reads them once.
struct Assets: Sendable {
    static let names = ["swagger-ui.css", "swagger-ui-bundle.js"]
    let files: [String: ByteBuffer]

    var isComplete: Bool { files.count == Assets.names.count }

    static func load() -> Assets {
        let executable = URL(filePath: "/proc/self/exe").resolvingSymlinksInPath()
        var directory = executable.deletingLastPathComponent()
        for _ in 0..<3 {
            let files = names.compactMap { name in
                (try? Data(contentsOf: directory.appending(path: "swagger-ui/\(name)"))).map { (name, ByteBuffer(bytes: $0)) }
            }
            if files.count == names.count { return Assets(files: Dictionary(uniqueKeysWithValues: files)) }
            directory = directory.deletingLastPathComponent()
        }
        return Assets(files: [:])
    }

    static func contentType(_ name: String) -> String { name.hasSuffix(".css") ? "text/css; charset=utf-8" : "text/javascript; charset=utf-8" }
}
