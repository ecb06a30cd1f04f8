// swift-tools-version: 6.2
import PackageDescription

let strict: [SwiftSetting] = [
    .swiftLanguageMode(.v6),
    .enableUpcomingFeature("ExistentialAny"),
]

// A package of its own, so that what only benches need stays out of the product. Core and WAL are measured in process; everything else
// against the executable, over sockets, with a client that is the same for the service, its limits and its peers.
let package = Package(
    name: "cashup-perf",
    products: [.executable(name: "cashup-bench", targets: ["cashup-bench"])],
    dependencies: [
        .package(name: "cashup", path: ".."),
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.0"),
        .package(url: "https://github.com/HdrHistogram/hdrhistogram-swift", from: "0.2.0"),
    ],
    targets: [
        // The figures of a run: JSON, table, page, comparison.
        .target(name: "Report", swiftSettings: strict),

        // In C, with no work done: the echo, the durable echo, the disk alone.
        .target(name: "Limits", publicHeadersPath: "include", cSettings: [.unsafeFlags(["-O2"])]),

        // The client of every end-to-end measurement: one thread, epoll, closed or open loop. Its loops are generic over protocol and workload;
        // with this flag they are specialised in the module that calls them.
        .target(
            name: "Load", dependencies: ["CLoad", .product(name: "Histogram", package: "hdrhistogram-swift")],
            swiftSettings: strict + [.unsafeFlags(["-cross-module-optimization"])]),
        .target(name: "CLoad", publicHeadersPath: "include", cSettings: [.unsafeFlags(["-O2"])]),

        .executableTarget(
            name: "cashup-bench",
            dependencies: [
                "Report", "Limits", "Load", "CLoad",
                .product(name: "Core", package: "cashup"),
                .product(name: "WAL", package: "cashup"),
                .product(name: "Twin", package: "cashup"),
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
            ],
            swiftSettings: strict),
    ]
)
