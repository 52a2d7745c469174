// Links between pages: what they keep of the request, and where they lead.
#include "http/page_link.hpp"

#include <gtest/gtest.h>

namespace pg_live {
namespace {

TEST(PageLinks, LeadOnInTheDirectionOfTheRequestAndBackInTheOther) {
  EXPECT_EQ(PageLinks("limit=2").value("n", "p"),
            "<?limit=2&cursor=n>; rel=\"next\", <?limit=2&cursor=p&direction=backwards>; rel=\"prev\"");
  EXPECT_EQ(PageLinks("direction=backwards&limit=2").value("n", "p"),
            "<?limit=2&cursor=n&direction=backwards>; rel=\"next\", <?limit=2&cursor=p>; rel=\"prev\"");
}

TEST(PageLinks, AreOnlyThoseThatThereAre) {
  EXPECT_EQ(PageLinks("").value("n", ""), "<?cursor=n>; rel=\"next\"");
  EXPECT_EQ(PageLinks("").value("", "p"), "<?cursor=p&direction=backwards>; rel=\"prev\"");
  EXPECT_EQ(PageLinks("a=1").value("", ""), "");
}

TEST(PageLinks, ReplaceTheCursorAndHoldNoSecret) {
  EXPECT_EQ(PageLinks("cursor=old&apikey=secret&a=1&%63ursor=older&token=secret").value("n", ""),
            "<?a=1&cursor=n>; rel=\"next\"");
}

TEST(PageLinks, AreEscapedWhateverTheFiltersAre) {
  EXPECT_EQ(PageLinks("type=a,b&type=%22%3E%0d%0a&q=x+y%26z").value("/w==", ""),
            "<?type=a%2Cb&type=%22%3E%0D%0A&q=x%20y%26z&cursor=%2Fw%3D%3D>; rel=\"next\"");
}

} // namespace
} // namespace pg_live
