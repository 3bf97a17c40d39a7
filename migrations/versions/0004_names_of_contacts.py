"""Lists of a million contacts are ordered and searched by names and companies."""

from alembic import op
revision = '0004'
down_revision = '0003'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index('ix_contact_last_name_first_name', 'contact', ['last_name', 'first_name'])
    op.create_index('ix_contact_first_name', 'contact', ['first_name'])
    op.create_index('ix_contact_company', 'contact', ['company'])


def downgrade() -> None:
    op.drop_index('ix_contact_company', 'contact')
    op.drop_index('ix_contact_first_name', 'contact')
    op.drop_index('ix_contact_last_name_first_name', 'contact')
