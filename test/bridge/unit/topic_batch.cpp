// The frames of a batch: built once a form, and shared by all who get them in that form.
#include "channel/topic_batch.hpp"

#include "wire/phoenix/phoenix_codec.hpp"

#include <gtest/gtest.h>

#include <string>

namespace pg_live {
namespace {

WireForm form_of(phoenix::Version version, std::string_view wire_topic) {
  const Codec &codec = phoenix::codec_of(version);
  return {&codec, codec.naming_of(wire_topic)};
}

class TopicBatchTest : public testing::Test {
 protected:
  TopicBatchTest() {
    batch_.add(first_);
    batch_.add(second_);
  }

  LiveEvent first_{{1, 1}, "room:1", "first", "{}", true};
  LiveEvent second_{{1, 2}, "room:1", "second", "{}", true};
  TopicBatch batch_;
};

TEST_F(TopicBatchTest, IsOneFrameAnEventInTheirOrder) {
  const WireForm form = form_of(phoenix::Version::v2, "room:1");
  const std::string expected =
      std::string(event_frame(first_, form).bytes()).append(event_frame(second_, form).bytes());
  EXPECT_EQ(batch_.frame(form).bytes(), expected);
}

TEST_F(TopicBatchTest, IsBuiltOnceAForm) {
  const WireForm form = form_of(phoenix::Version::v2, "room:1");
  const char *bytes = batch_.frame(form).bytes().data();
  EXPECT_EQ(batch_.frame(form_of(phoenix::Version::v2, "room:1")).bytes().data(), bytes);
}

TEST_F(TopicBatchTest, IsApartForEachProtocolAndForEachWayToNameTheTopic) {
  const std::string arrays(batch_.frame(form_of(phoenix::Version::v2, "room:1")).bytes());
  const std::string prefixed(batch_.frame(form_of(phoenix::Version::v2, "realtime:room:1")).bytes());
  const std::string objects(batch_.frame(form_of(phoenix::Version::v1, "room:1")).bytes());
  EXPECT_NE(arrays.find(R"(,"room:1",)"), std::string::npos);
  EXPECT_NE(prefixed.find(R"(,"realtime:room:1",)"), std::string::npos);
  EXPECT_NE(objects.find(R"({"topic":"room:1",)"), std::string::npos);
}

TEST_F(TopicBatchTest, MarksAnEventThatIsReplayed) {
  const WireForm form = form_of(phoenix::Version::v2, "room:1");
  EXPECT_EQ(event_frame(first_, form).bytes().find("replayed"), std::string_view::npos);
  EXPECT_NE(event_frame(first_, form, Delivery::replayed).bytes().find(R"("replayed":true)"), std::string_view::npos);
}

} // namespace
} // namespace pg_live
