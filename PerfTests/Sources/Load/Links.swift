import CLoad
import Glibc

/// All connections of a run and the epoll that tells which of them can be read. One connection alone is waited for in recv, without epoll.
struct Links<W: Wire>: ~Copyable {
    static var readyMax: Int { 256 }

    private(set) var count = 0
    let links: UnsafeMutablePointer<Link<W>>
    let ready: UnsafeMutablePointer<UInt32> = .allocate(capacity: Links.readyMax)
    private let poller: Int32 = cload_poller()

    private init(capacity: Int) { links = .allocate(capacity: capacity) }

    static func connect(_ connections: Int, port: Int, window: Int) throws -> Links {
        var all = Links(capacity: connections)
        for _ in 0..<connections {
            let socket = try Socket(port: port)
            var wire = W()
            try wire.open(socket)
            let result = cload_watch(all.poller, socket.descriptor, UInt32(all.count), 0, 1)
            guard result == 0 else { throw LoadError.system("epoll", result) }
            (all.links + all.count).initialize(to: Link(socket: socket, wire: wire, window: window))
            all.count += 1
        }
        return all
    }

    deinit {
        links.deinitialize(count: count)
        links.deallocate()
        ready.deallocate()
        close(poller)
    }

    /// Sends what waits; what the kernel does not take is sent when epoll says that there is room.
    @inline(__always)
    func flush(_ index: Int) throws {
        let isEmpty = try links[index].flush()
        if isEmpty == links[index].awaitsRoom {
            links[index].awaitsRoom = !isEmpty
            let result = cload_watch(poller, links[index].socket.descriptor, UInt32(index), isEmpty ? 0 : 1, 0)
            guard result == 0 else { throw LoadError.system("epoll", result) }
        }
    }

    /// Fills ``ready`` with connections to look at. Returns how many.
    @inline(__always)
    func wait(nanoseconds: Int64) throws -> Int {
        let count = cload_wait(poller, ready, Int32(Self.readyMax), nanoseconds)
        guard count >= 0 else { throw LoadError.system("epoll_wait", count) }
        return Int(count)
    }
}
