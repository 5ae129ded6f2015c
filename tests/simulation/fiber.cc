#include "tests/simulation/fiber.h"

#include <cxxabi.h>
#include <sys/mman.h>
#include <ucontext.h>

#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <utility>
#include <vector>

#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define JITWG_ASAN_FIBERS 1
#endif
#endif
#if defined(__SANITIZE_ADDRESS__)
#define JITWG_ASAN_FIBERS 1
#endif

#ifdef JITWG_ASAN_FIBERS
#include <sanitizer/asan_interface.h>
#include <sanitizer/common_interface_defs.h>
#endif

namespace jitwg::simulation {
namespace {

constexpr std::size_t kStackBytes = std::size_t{256} << 10;

// Stacks are used again: making one costs more than a whole schedule's switches.
class StackPool {
 public:
  void* Take() {
    if (!free_.empty()) {
      void* stack = free_.back();
      free_.pop_back();
      return stack;
    }
    void* stack = mmap(nullptr, kStackBytes, PROT_READ | PROT_WRITE,
                       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (stack == MAP_FAILED) std::abort();
    mprotect(stack, 4096, PROT_NONE);
    return stack;
  }
  void Give(void* stack) {
#ifdef JITWG_ASAN_FIBERS
    ASAN_UNPOISON_MEMORY_REGION(static_cast<char*>(stack) + 4096, kStackBytes - 4096);
#endif
    free_.push_back(stack);
  }

 private:
  std::vector<void*> free_;
};

StackPool& Stacks() {
  static auto* pool = new StackPool;
  return *pool;
}

// What the C++ runtime keeps of a thread's exceptions; each fiber has its own.
struct ExceptionState {
  void* caught = nullptr;
  std::uintptr_t uncaught = 0;
};

void SwapExceptionState(ExceptionState& state) {
  ExceptionState now;
  void* globals = abi::__cxa_get_globals();
  std::memcpy(&now, globals, sizeof(now));
  std::memcpy(globals, &state, sizeof(state));
  state = now;
}

#if defined(__x86_64__)

// Saves the callee-saved registers, the stack pointer into *from, and goes on at `to`. Far cheaper
// than swapcontext, which asks the kernel for the signal mask each time.
extern "C" void jitwg_switch_stack(void** from, void* to);
asm(R"(
.text
.globl jitwg_switch_stack
.type jitwg_switch_stack,@function
jitwg_switch_stack:
  pushq %rbp
  pushq %rbx
  pushq %r12
  pushq %r13
  pushq %r14
  pushq %r15
  movq %rsp, (%rdi)
  movq %rsi, %rsp
  popq %r15
  popq %r14
  popq %r13
  popq %r12
  popq %rbx
  popq %rbp
  ret
.size jitwg_switch_stack,.-jitwg_switch_stack
)");

extern "C" void jitwg_enter_fiber();
asm(R"(
.text
.globl jitwg_enter_fiber
.type jitwg_enter_fiber,@function
jitwg_enter_fiber:
  movq %r12, %rdi
  callq *%r13
  ud2
.size jitwg_enter_fiber,.-jitwg_enter_fiber
)");

class Switch {
 public:
  void Prepare(void* stack, std::size_t bytes, void (*entry)(void*), void* argument) {
    auto* top = reinterpret_cast<std::uintptr_t*>(static_cast<char*>(stack) + bytes);
    *--top = 0;  // two words, which keep the stack aligned at the call
    *--top = 0;
    *--top = reinterpret_cast<std::uintptr_t>(&jitwg_enter_fiber);
    *--top = 0;                                           // rbp
    *--top = 0;                                           // rbx
    *--top = reinterpret_cast<std::uintptr_t>(argument);  // r12
    *--top = reinterpret_cast<std::uintptr_t>(entry);     // r13
    *--top = 0;                                           // r14
    *--top = 0;                                           // r15
    inside_ = top;
  }
  void In() { jitwg_switch_stack(&outside_, inside_); }
  void Out() { jitwg_switch_stack(&inside_, outside_); }

 private:
  void* inside_ = nullptr;
  void* outside_ = nullptr;
};

#else

class Switch {
 public:
  void Prepare(void* stack, std::size_t bytes, void (*entry)(void*), void* argument) {
    getcontext(&inside_);
    inside_.uc_stack.ss_sp = stack;
    inside_.uc_stack.ss_size = bytes;
    inside_.uc_link = nullptr;
    entry_ = entry;
    argument_ = argument;
    const auto self = reinterpret_cast<std::uintptr_t>(this);
    makecontext(&inside_, reinterpret_cast<void (*)()>(&Trampoline), 2,
                static_cast<unsigned>(self >> 32), static_cast<unsigned>(self & 0xffffffffU));
  }
  void In() { swapcontext(&outside_, &inside_); }
  void Out() { swapcontext(&inside_, &outside_); }

 private:
  static void Trampoline(unsigned high, unsigned low) {
    auto* self = reinterpret_cast<Switch*>((std::uintptr_t{high} << 32) | low);
    self->entry_(self->argument_);
  }
  ucontext_t inside_;
  ucontext_t outside_;
  void (*entry_)(void*) = nullptr;
  void* argument_ = nullptr;
};

#endif

}  // namespace

struct Fiber::Context {
  Switch switcher;
  void* stack = nullptr;
  ExceptionState exceptions;
  // Of AddressSanitizer.
  void* inside_fake_stack = nullptr;
  void* outside_fake_stack = nullptr;
  const void* outside_bottom = nullptr;
  std::size_t outside_bytes = 0;
};

Fiber::Fiber(std::function<void()> body)
    : body_(std::make_unique<std::function<void()>>(std::move(body))),
      context_(std::make_unique<Context>()) {
  context_->stack = Stacks().Take();
  context_->switcher.Prepare(context_->stack, kStackBytes, &Fiber::Enter, this);
}

Fiber::~Fiber() {
  // What the function holds is lost with its process, not destroyed.
  static_cast<void>(body_.release());
  Stacks().Give(context_->stack);
}

void Fiber::Resume() {
  SwapExceptionState(context_->exceptions);
#ifdef JITWG_ASAN_FIBERS
  __sanitizer_start_switch_fiber(&context_->outside_fake_stack, context_->stack, kStackBytes);
#endif
  context_->switcher.In();
#ifdef JITWG_ASAN_FIBERS
  __sanitizer_finish_switch_fiber(context_->outside_fake_stack, nullptr, nullptr);
#endif
  SwapExceptionState(context_->exceptions);
}

void Fiber::Yield() {
#ifdef JITWG_ASAN_FIBERS
  __sanitizer_start_switch_fiber(done_ ? nullptr : &context_->inside_fake_stack,
                                 context_->outside_bottom, context_->outside_bytes);
#endif
  context_->switcher.Out();
#ifdef JITWG_ASAN_FIBERS
  __sanitizer_finish_switch_fiber(context_->inside_fake_stack, &context_->outside_bottom,
                                  &context_->outside_bytes);
#endif
}

void Fiber::Enter(void* self) {
  auto* fiber = static_cast<Fiber*>(self);
#ifdef JITWG_ASAN_FIBERS
  __sanitizer_finish_switch_fiber(nullptr, &fiber->context_->outside_bottom,
                                  &fiber->context_->outside_bytes);
#endif
  (*fiber->body_)();
  fiber->body_.reset();
  fiber->done_ = true;
  fiber->Yield();
}

}  // namespace jitwg::simulation
