/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
// Runs a compiled attention block from C++17: an artifact that closes itself, contexts that destroy themselves, and two
// threads that use one artifact and one pool at the same time.
//
//     frit compile examples/attention/attention.onnx -o attention.so
//     c++ -std=c++17 -O2 -Iinclude examples/cpp/attention.cpp -o attention -ldl -pthread
//     ./attention ./attention.so examples/attention/x.npy examples/attention/y.npy
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <dlfcn.h>
#include <fstream>
#include <iostream>
#include <memory>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "frit_artifact.h"

namespace {

constexpr std::int64_t batch = 2, length = 19, width = 64;
constexpr double tolerance = 1e-5;

// The data of a version-1 .npy file.
template <typename T> std::vector<T> read_npy(const std::string &path) {
    std::ifstream file(path, std::ios::binary);
    std::vector<char> bytes((std::istreambuf_iterator<char>(file)), {});
    if (bytes.size() < 10) throw std::runtime_error(path + ": cannot be read as .npy");
    const std::size_t start = 10U + static_cast<unsigned char>(bytes[8]) + 256U * static_cast<unsigned char>(bytes[9]);
    std::vector<T> data((bytes.size() - start) / sizeof(T));
    std::copy_n(bytes.data() + start, data.size() * sizeof(T), reinterpret_cast<char *>(data.data()));
    return data;
}

// A tensor of one dtype that owns its memory and dims.
struct Tensor {
    std::vector<std::int64_t> dims;
    std::vector<float> data;

    frit_tensor view() {
        return {data.data(), FRIT_DT_F32, static_cast<std::int32_t>(dims.size()), dims.data(), nullptr};
    }
};

// A compiled model. It has to outlive its contexts.
class Artifact {
  public:
    explicit Artifact(const std::string &path) : library(dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL), dlclose) {
        if (!library) throw std::runtime_error(dlerror());
        auto *table = reinterpret_cast<frit_artifact_table_fn *>(dlsym(library.get(), FRIT_ARTIFACT_SYMBOL));
        a = table ? table(FRIT_ARTIFACT_ABI) : nullptr;
        if (!a) throw std::runtime_error(path + ": no artifact of this version");
    }
    const frit_artifact *operator->() const { return a; }
    const frit_artifact *get() const { return a; }

  private:
    std::unique_ptr<void, int (*)(void *)> library;
    const frit_artifact *a = nullptr;
};

// The memory of one caller; runs one call at a time.
class Context {
  public:
    Context(const Artifact &artifact, Tensor &largest, const frit_pool *pool) : a(artifact.get()) {
        char message[256] = "";
        std::vector<std::int64_t> symbols(8);
        frit_tensor x = largest.view();
        if (a->bind(a, &x, symbols.data(), message, sizeof message) != FRIT_OK) throw std::runtime_error(message);
        frit_options options{};
        options.struct_bytes = sizeof options;
        options.max_symbols = symbols.data();
        options.pool = pool;
        if (a->create(a, &options, &context, message, sizeof message) != FRIT_OK) throw std::runtime_error(message);
    }
    Context(const Context &) = delete;
    Context &operator=(const Context &) = delete;
    ~Context() { a->destroy(context); }

    void run(Tensor &in, Tensor &out) {
        frit_tensor x = in.view(), y = out.view();
        if (a->run(context, &x, &y) != FRIT_OK) throw std::runtime_error(a->error(context));
    }

  private:
    const frit_artifact *a;
    frit_context *context = nullptr;
};

// One caller: its own context, a hundred calls; the largest error it saw.
double work(const Artifact &artifact, const frit_pool *pool, const Tensor &input, const std::vector<double> &expected) {
    Tensor x = input, y = input;
    Context context(artifact, x, pool);
    double worst = 0;
    for (int i = 0; i < 100; i++) {
        std::fill(y.data.begin(), y.data.end(), 0.0F);
        context.run(x, y);
        for (std::size_t k = 0; k < expected.size(); k++) worst = std::max(worst, std::abs(y.data[k] - expected[k]));
    }
    return worst;
}

int run(int argc, char **argv) {
    if (argc != 4) throw std::runtime_error("usage: attention ARTIFACT.so x.npy y.npy");
    const Artifact artifact(argv[1]);
    const Tensor x{{batch, length, width}, read_npy<float>(argv[2])};
    const std::vector<double> expected = read_npy<double>(argv[3]);
    if (x.data.size() != batch * length * width || expected.size() != x.data.size())
        throw std::runtime_error("x.npy or y.npy has another size");
    const std::unique_ptr<frit_pool, void (*)(frit_pool *)> pool(artifact->pool_create(2), artifact->pool_destroy);
    double errors[2] = {1, 1};
    std::thread other([&] { errors[1] = work(artifact, pool.get(), x, expected); });
    errors[0] = work(artifact, pool.get(), x, expected);
    other.join();
    std::cout << "two threads, a hundred calls each: largest errors " << errors[0] << " and " << errors[1] << '\n';
    return errors[0] < tolerance && errors[0] == errors[1] ? 0 : 1;
}

} // namespace

int main(int argc, char **argv) {
    try {
        return run(argc, argv);
    } catch (const std::exception &error) {
        std::cerr << "attention: " << error.what() << '\n';
        return 1;
    }
}
