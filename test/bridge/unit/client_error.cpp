// What clients learn of errors of the database.
#include "api/client_error.hpp"

#include <gtest/gtest.h>

namespace pg_live {
namespace {

ClientError error_to(Requester requester, std::string state) {
  return client_error({std::move(state), "in the database's words", "a hint"}, requester);
}

TEST(ClientError, HasTheStatusOfItsSqlstate) {
  const std::pair<const char *, int> expected[] = {
      {"22P02", 422}, {"22023", 422}, {"28000", 401}, {"42501", 403}, {"54000", 413}, {"53400", 429},
      {"57014", 504}, {"08007", 503}, {"40P01", 503}, {"23503", 422}, {"23505", 409}, {"23514", 500},
      {"P0002", 404}, {"P0001", 500}, {"42883", 500}, {"53100", 503}, {"53000", 503}, {"25006", 503},
      {"55P03", 503}, {"57P01", 503}, {"25001", 500}, {"XX000", 500}};
  for (const auto &[state, status] : expected)
    EXPECT_EQ(error_to(Requester::signed_in, state).status, status) << state;
}

TEST(ClientError, PassesOnWhatIsAboutTheRequest) {
  EXPECT_EQ(error_to(Requester::signed_in, "22023").shown.message, "in the database's words");
  EXPECT_EQ(error_to(Requester::signed_in, "22023").shown.hint, "a hint");
  EXPECT_FALSE(error_to(Requester::signed_in, "22023").is_internal);
}

TEST(ClientError, TellsTheCodeAloneOfWhatWentWrongInside) {
  EXPECT_TRUE(error_to(Requester::signed_in, "XX000").is_internal);
  EXPECT_EQ(error_object("error", error_to(Requester::signed_in, "XX000").shown),
            R"({"error":"the command failed","code":"XX000"})");
}

TEST(ClientError, SaysThatNobodyIsSignedInWhereThatIsWhatIsMissing) {
  EXPECT_EQ(error_to(Requester::anonymous, "42501").status, 401);
  EXPECT_EQ(error_to(Requester::anonymous, "42501").shown.message, "not signed in");
}

TEST(ClientError, IsAnObjectWithoutEmptyMembers) {
  EXPECT_EQ(error_object("reason", {"22023", "said \"no\"", "ask"}),
            R"({"reason":"said \"no\"","code":"22023","hint":"ask"})");
  EXPECT_EQ(error_object("error", {"", "no such path", ""}), R"({"error":"no such path"})");
}

} // namespace
} // namespace pg_live
