#include "macfit/hub/user_agent.hpp"
#include "test.hpp"

TEST_CASE("libcurl is loaded when it is asked for", "[hub]") {
  const std::string agent = macfit::hub::user_agent();
  CHECK_THAT(agent, macfit::test::contains("macfit/"));
  CHECK_THAT(agent, macfit::test::contains(" libcurl/"));
  CHECK(agent == macfit::hub::user_agent());
}
