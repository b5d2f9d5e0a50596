#include "macfit/runtime/runtime.hpp"

#include <fmt/format.h>

#include "macfit/runtime/facts.hpp"

namespace macfit::runtime {

Runtime::Runtime(std::shared_ptr<const Facts> facts) : facts_(std::move(facts)) {}

const std::string& Runtime::name() const { return facts_->name; }

const std::string& Runtime::title() const { return facts_->title; }

const std::string& Runtime::release() const { return facts_->release.version; }

std::string Runtime::spelled() const { return facts_->newest ? name() : name() + "@" + release(); }

const std::string& Runtime::engine() const { return facts_->engine; }

const std::vector<Backend>& Runtime::backends() const { return facts_->backends; }

std::string_view backend_name(Backend backend) noexcept {
  switch (backend) {
    case Backend::none:
      return "none";
    case Backend::mlx_ring:
      return "ring";
    case Backend::jaccl_mesh:
      return "jaccl";
    case Backend::jaccl_ring:
      return "jaccl-ring";
    case Backend::llama_rpc:
      return "rpc";
  }
  return "";
}

Support Runtime::kv_pair(KvFormat keys, KvFormat values) const {
  return keys == values
             ? Support::yes()
             : Support::no("kv-types-differ",
                           fmt::format("{} stores keys and values in one format, not in {} and {}",
                                       name(), kv_format_name(keys), kv_format_name(values)));
}

Bytes Runtime::host_bytes(const Profile& /*profile*/, const Workload& /*workload*/,
                          std::size_t /*nodes*/) const {
  return Bytes(0);
}

std::vector<Problem> Runtime::accepts(const Proposal& /*proposal*/) const { return {}; }

}  // namespace macfit::runtime
