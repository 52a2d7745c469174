// The roster of a channel: the diffs of each viewer add up to the state. Compared as Phoenix encodes them.
#include "presence/roster.hpp"

#include <gtest/gtest.h>

#include <random>

#include "text/json.hpp"
#include "wire/phoenix/phoenix.hpp"

namespace pg_live {
namespace {

Member member(const std::string &key, std::string meta = "{}", bool hidden = false) {
  return {key, key, hidden, std::move(meta)};
}

std::string diff_of(const Roster &roster, std::string_view viewer) {
  const PresenceDiff diff = roster.diff(viewer);
  return diff.empty() ? "" : phoenix::presence_payload(diff);
}

std::string state_of(const Roster &roster, std::string_view viewer) {
  return phoenix::presence_payload(roster.state(viewer));
}

// The next diff.
std::string next_diff(Roster &roster, std::string_view viewer = "") {
  std::string diff = diff_of(roster, viewer);
  roster.forget_changes();
  return diff;
}

TEST(Roster, TellsWhoCame) {
  Roster roster;
  roster.put("r1", member("anna", R"({"a": 1})"));
  EXPECT_EQ(next_diff(roster), R"({"joins":{"anna":{"metas":[{"phx_ref":"r1","a": 1}]}},"leaves":{}})");
  EXPECT_FALSE(roster.has_changes());
  EXPECT_EQ(diff_of(roster, ""), "");
}

TEST(Roster, TellsWhoLeft) {
  Roster roster;
  roster.put("r1", member("anna"));
  roster.forget_changes();
  roster.remove("r1");
  EXPECT_EQ(next_diff(roster), R"({"joins":{},"leaves":{"anna":{"metas":[{"phx_ref":"r1"}]}}})");
}

TEST(Roster, PutsDevicesOfOneKeyTogether) {
  Roster roster;
  roster.put("r1", member("anna"));
  roster.put("r2", member("anna", R"({"b": 2})"));
  EXPECT_EQ(state_of(roster, ""), R"({"anna":{"metas":[{"phx_ref":"r1"},{"phx_ref":"r2","b": 2}]}})");
}

TEST(Roster, TellsANewRefInPlaceOfTheOldOne) {
  Roster roster;
  roster.put("r1", member("anna", R"({"a": 1})"));
  roster.forget_changes();
  roster.put("r2", member("anna", R"({"a": 2})"));
  roster.remove("r1");
  EXPECT_EQ(next_diff(roster), R"({"joins":{"anna":{"metas":[{"phx_ref":"r2","a": 2}]}},)"
                               R"("leaves":{"anna":{"metas":[{"phx_ref":"r1","a": 1}]}}})");
}

TEST(Roster, SaysWhichMemberAnUpdateTakesThePlaceOf) {
  Roster roster;
  roster.put("r1", member("anna", R"({"a": 1})"));
  roster.put("s1", member("anna", R"({"b": 1})"));
  roster.forget_changes();
  roster.put("r2", member("anna", R"({"a": 2})"), "r1");
  roster.remove("r1");
  roster.put("r3", member("anna", R"({"a": 3})"), "r2"); // the clients were told nothing of r2
  roster.remove("r2");
  EXPECT_EQ(next_diff(roster), R"({"joins":{"anna":{"metas":[{"phx_ref":"r3","phx_ref_prev":"r1","a": 3}]}},)"
                               R"("leaves":{"anna":{"metas":[{"phx_ref":"r1","a": 1}]}}})");
  EXPECT_EQ(state_of(roster, ""), R"({"anna":{"metas":[{"phx_ref":"r3","a": 3},{"phx_ref":"s1","b": 1}]}})");
}

TEST(Roster, SaysOfAnUpdateTheRefThatTheClientsKnow) {
  Roster roster;
  roster.put("r1", member("anna", R"({"a": 1})"));
  roster.forget_changes();
  EXPECT_TRUE(roster.pass_on("r1", "r2", member("anna", R"({"a": 1})")));
  roster.put("r3", member("anna", R"({"a": 3})"), "r2");
  roster.remove("r2");
  EXPECT_EQ(next_diff(roster), R"({"joins":{"anna":{"metas":[{"phx_ref":"r3","phx_ref_prev":"r1","a": 3}]}},)"
                               R"("leaves":{"anna":{"metas":[{"phx_ref":"r1","a": 1}]}}})");
}

TEST(Roster, SaysNothingOfAMemberThatTheViewerDidNotSee) {
  Roster roster;
  roster.put("r1", member("anna", R"({"a": 1})", true));
  roster.forget_changes();
  roster.put("r2", member("anna", R"({"a": 2})"), "r1");
  roster.remove("r1");
  EXPECT_EQ(diff_of(roster, "ben"), R"({"joins":{"anna":{"metas":[{"phx_ref":"r2","a": 2}]}},"leaves":{}})");
  EXPECT_NE(diff_of(roster, "anna").find(R"("phx_ref_prev":"r1")"), std::string::npos);
}

TEST(Roster, KeepsQuietAboutWhoGoesOnUnderAnotherRef) {
  Roster roster;
  roster.put("r1", member("anna", R"({"a": 1})"));
  roster.forget_changes();
  EXPECT_FALSE(roster.pass_on("r1", "r2", member("anna", R"({"a": 2})")));
  EXPECT_FALSE(roster.pass_on("r3", "r2", member("anna", R"({"a": 1})")));
  EXPECT_TRUE(roster.pass_on("r1", "r2", member("anna", R"({"a": 1})")));
  EXPECT_FALSE(roster.has_changes());
  EXPECT_EQ(state_of(roster, ""), R"({"anna":{"metas":[{"phx_ref":"r1","a": 1}]}})");
  roster.remove("r2");
  EXPECT_EQ(next_diff(roster), R"({"joins":{},"leaves":{"anna":{"metas":[{"phx_ref":"r1","a": 1}]}}})");
}

TEST(Roster, KeepsQuietAboutWhatWasUndone) {
  Roster roster;
  roster.put("r1", member("anna"));
  roster.remove("r1");
  EXPECT_FALSE(roster.has_changes());
  roster.put("r2", member("ben"));
  roster.forget_changes();
  roster.remove("r2");
  roster.put("r2", member("ben"));
  EXPECT_FALSE(roster.has_changes());
}

TEST(Roster, KeepsQuietAboutWhatIsKnown) {
  Roster roster;
  roster.put("r1", member("anna"));
  roster.forget_changes();
  roster.put("r1", member("anna"));
  EXPECT_FALSE(roster.has_changes());
}

TEST(Roster, ShowsTheHiddenToThemselvesOnly) {
  Roster roster;
  roster.put("r1", member("anna", "{}", true));
  EXPECT_EQ(diff_of(roster, ""), "");
  EXPECT_EQ(diff_of(roster, "ben"), "");
  EXPECT_EQ(diff_of(roster, "anna"), R"({"joins":{"anna":{"metas":[{"phx_ref":"r1"}]}},"leaves":{}})");
  roster.forget_changes();
  EXPECT_EQ(state_of(roster, "ben"), "{}");
  EXPECT_EQ(state_of(roster, "anna"), R"({"anna":{"metas":[{"phx_ref":"r1"}]}})");
  EXPECT_TRUE(roster.special_viewers().contains("anna"));
  EXPECT_EQ(roster.visible(), 0u);
}

TEST(Roster, TellsOthersThatSomebodyHidesAndShows) {
  Roster roster;
  roster.put("r1", member("anna"));
  roster.forget_changes();
  roster.put("r1", member("anna", "{}", true));
  EXPECT_EQ(diff_of(roster, "anna"), "");
  EXPECT_EQ(next_diff(roster), R"({"joins":{},"leaves":{"anna":{"metas":[{"phx_ref":"r1"}]}}})");
  roster.put("r1", member("anna"));
  EXPECT_EQ(diff_of(roster, "anna"), "");
  EXPECT_TRUE(roster.special_viewers().contains("anna"));
  EXPECT_EQ(next_diff(roster), R"({"joins":{"anna":{"metas":[{"phx_ref":"r1"}]}},"leaves":{}})");
  EXPECT_EQ(roster.visible(), 1u);
}

TEST(Roster, NeverShowsTheHiddenAnonymous) {
  Roster roster;
  roster.put("r1", {"guest", "", true, "{}"});
  EXPECT_EQ(diff_of(roster, ""), "");
}

TEST(Roster, ReplacingTellsTheDifference) {
  Roster roster;
  roster.put("r1", member("anna"));
  roster.put("r2", member("ben"));
  roster.forget_changes();
  roster.replace({{"r2", member("ben")}, {"r3", member("carl")}});
  EXPECT_EQ(next_diff(roster),
            R"({"joins":{"carl":{"metas":[{"phx_ref":"r3"}]}},"leaves":{"anna":{"metas":[{"phx_ref":"r1"}]}}})");
}

TEST(Roster, MergingLeavesTheMissing) {
  Roster roster;
  roster.put("r1", member("anna"));
  roster.forget_changes();
  roster.merge({{"r2", member("ben")}});
  EXPECT_EQ(roster.visible(), 2u);
}

TEST(Roster, QuotesKeysAndRefs) {
  Roster roster;
  roster.put("r\"1", member("__proto__\""));
  EXPECT_EQ(state_of(roster, ""), "{\"__proto__\\\"\":{\"metas\":[{\"phx_ref\":\"r\\\"1\"}]}}");
}

// A client as Phoenix's: metas by ref.
class PhoenixView {
 public:
  explicit PhoenixView(std::string viewer) : viewer_(std::move(viewer)) {}
  void take(const std::string &diff) {
    if (diff.empty()) return;
    const auto parsed = json::parse(diff);
    ASSERT_TRUE(parsed);
    each(*json::member(*parsed, "joins"), [&](const std::string &ref, const std::string &text) {
      EXPECT_FALSE(metas_.contains(ref)) << "joined twice";
      metas_[ref] = text;
    });
    each(*json::member(*parsed, "leaves"), [&](const std::string &ref, const std::string &) {
      EXPECT_EQ(metas_.erase(ref), 1u) << "left without having been there";
    });
  }
  void expect(const std::string &state) const {
    std::map<std::string, std::string> expected;
    each(*json::parse(state), [&](const std::string &ref, const std::string &text) { expected[ref] = text; });
    EXPECT_EQ(metas_, expected);
  }
  const std::string &viewer() const { return viewer_; }

 private:
  template <typename Do>
  static void each(json::Value groups, Do what) {
    for (const json::Member &group : json::members(groups))
      for (const json::Value &meta : json::elements(*json::member(group.value, "metas"))) {
        std::string ref;
        json::unescape(*json::member(meta, "phx_ref"), ref);
        what(ref, std::string(group.key) + std::string(meta.raw));
      }
  }
  std::string viewer_;
  std::map<std::string, std::string> metas_;
};

TEST(Roster, DiffsAddUpToTheStateForEveryViewer) {
  for (unsigned seed = 1; seed <= 200; ++seed) {
    std::mt19937 random(seed);
    const auto pick = [&](unsigned most) { return std::uniform_int_distribution<unsigned>(0, most)(random); };
    Roster roster;
    std::vector<PhoenixView> clients = {PhoenixView(""), PhoenixView("u0"), PhoenixView("u1"), PhoenixView("u2")};
    std::vector<std::string> refs = {"r0", "r1", "r2", "r3", "r4", "r5", "r6", "r7", "r8", "r9"};
    for (int step = 0; step < 200; ++step) {
      const unsigned number = pick(9);
      const std::string user = "u" + std::to_string(number % 3);
      // Of one ref the metadata never change: a change has a ref of its own.
      const Member changed{user, user, pick(3) == 0, "{\"n\": " + std::to_string(number) + "}"};
      const std::string next_ref = "r" + std::to_string(number) + "-" + std::to_string(step);
      if (pick(3) == 0) {
        roster.remove(refs[number]);
      } else if (pick(2) > 0) {
        roster.put(refs[number], changed);
      } else if (roster.pass_on(refs[number], next_ref, changed)) {
        refs[number] = next_ref;
      }
      if (pick(4) > 0) continue;
      const auto special = roster.special_viewers();
      const std::string common = diff_of(roster, "");
      for (PhoenixView &client : clients) {
        EXPECT_TRUE(special.contains(client.viewer()) || diff_of(roster, client.viewer()) == common);
        client.take(diff_of(roster, client.viewer()));
      }
      roster.forget_changes();
      for (const PhoenixView &client : clients)
        client.expect(state_of(roster, client.viewer()));
    }
  }
}

} // namespace
} // namespace pg_live
